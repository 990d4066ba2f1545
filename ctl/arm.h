/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ctl/forecast.h"

struct client;
struct ctl;

#define ARM_STEPS_MAX 64 /* more than target.c follows */

/* What the entries of one command have in common. */
struct arm {
	const struct ctl *ctl;
	const char *directory; /* "once" or "static" */
	int fd;                /* of that directory */
	bool replaces_files;
	char link_text[PATH_MAX]; /* of each link */

	/* The links that lead to the target, and the target itself. */
	struct {
		dev_t device;
		ino_t inode;
	} steps[ARM_STEPS_MAX];
	unsigned step_count;

	struct forecast links; /* of all once links, when has_forecast */
	bool has_forecast;
	char warned[sizeof((struct forecast *)0)->problem]; /* the last one */
};

/*
 * Opens a directory of the tree to make entries in it. replaces_files: also
 * replace regular files, not links alone. False, with a message.
 */
bool arm_open(const struct ctl *ctl, const char *directory, bool replaces_files,
	struct arm *out);

void arm_close(const struct arm *arm);

/*
 * Sets the text of the links to make, if the responder would serve their
 * target. Warns if the target is unlikely to boot, and calls it what. 0 or
 * -errno, without a message.
 */
int arm_set_text(struct arm *arm, const char *what, const char *text);

/*
 * Makes the entry of a client and prints it. A machine that asks meanwhile gets
 * the old entry or the new one. False, with a message: the entry was not made,
 * or the responder will answer it with an error.
 */
bool arm_client(struct arm *arm, const struct client *client);

/* The names of links that an interrupted command left begin with this. */
#define ARM_TEMPORARY ".arm-"
