/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "fcgi/sandbox/report.h"

struct settings;

/*
 * What the responder may do once it has started: read the tree, move links in
 * once/, remove files in grub/, write its log, and answer on the connections
 * that come to its socket. The kernel refuses it the rest. Where the kernel
 * does not have a part of this, the responder goes on without that part, and
 * the report says so.
 */
struct sandbox {
	bool confines_files; /* what the settings don't name can't be opened */
	bool is_incomplete;  /* the kernel refused a part of it */
	struct sandbox_report report; /* what holds, what doesn't, and why */
};

/*
 * Confines the calling thread, and all that it will start: to the files that
 * the settings name; to its socket at socket_path, which it may remove (NULL:
 * the socket is not its own); and to the connections that come. The log must
 * have been opened before, so that its file is there.
 */
void sandbox_confine_files(const struct settings *settings,
	const char *socket_path, struct sandbox *out);

/*
 * Confines all threads of the process to the system calls that answers need.
 * No thread can be started from here on.
 */
void sandbox_confine_calls(struct sandbox *sandbox);
