/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "fcgi/sandbox/report.h"

struct settings;

/*
 * What the responder may do after its start: read the tree, move links in
 * once/, remove files in grub/, write its log, and answer connections to its
 * socket. The kernel refuses everything else. Without the kernel's support for
 * a part, the responder goes on and reports that.
 */
struct sandbox {
	bool confines_files; /* only what the settings name can be opened */
	bool is_incomplete;  /* the kernel refused a part */
	struct sandbox_report report; /* what holds, what doesn't, and why */
};

/*
 * Confines the calling thread, and all that it starts, to the files that the
 * settings name, to its socket at socket_path, which it may remove (NULL: not
 * its own), and to incoming connections. Open the log first, so that it exists.
 */
void sandbox_confine_files(const struct settings *settings,
	const char *socket_path, struct sandbox *out);

/*
 * Confines all threads to the system calls that answers need. Afterwards no
 * thread can be started.
 */
void sandbox_confine_calls(struct sandbox *sandbox);
