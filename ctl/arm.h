/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ctl/forecast.h"

struct client;
struct ctl;

#define ARM_STEPS_MAX 64 /* more than target.c follows */

/* What all entries that one command makes have in common. */
struct arm {
	const struct ctl *ctl;
	const char *directory; /* "once" or "static" */
	int fd;                /* of that directory */
	bool replaces_files;
	char text[PATH_MAX]; /* of each link */

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
 * Opens a directory of the tree to make entries in it. replaces_files: in the
 * place of regular files, too, not of links alone. False, with a message.
 */
bool arm_open(const struct ctl *ctl, const char *directory, bool replaces_files,
	struct arm *out);

void arm_close(const struct arm *arm);

/*
 * Has the links get this text, if the responder would serve what it leads to.
 * Warns if that is not likely to boot; what is its name in the message. 0 or
 * -errno, then without a message.
 */
int arm_set_text(struct arm *arm, const char *what, const char *text);

/*
 * Makes the entry of a client, and prints it: whoever looks meanwhile sees the
 * old entry or the new one. False, with a message: it was not made, or the
 * responder will answer it with an error.
 */
bool arm_client(struct arm *arm, const struct client *client);

/* A link that an interrupted command left has a name that begins with this. */
#define ARM_TEMPORARY ".arm-"
