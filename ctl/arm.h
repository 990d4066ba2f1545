/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ctl/forecast.h"

struct client;
struct ctl;

#define ARM_STEPS_MAX 64 /* more than target.c follows */

/* What all entries of one command have in common. */
struct arm {
	const struct ctl *ctl;
	const char *directory; /* such as "once" */
	int fd;                /* open directory; -ENOENT: none, with -n */
	bool replaces_files;
	char link_text[PATH_MAX]; /* text of each link */

	/* The links that lead to the target, and the target itself. */
	struct {
		dev_t device;
		ino_t inode;
	} steps[ARM_STEPS_MAX];
	unsigned step_count;

	struct forecast links; /* for all once links, if has_forecast */
	bool has_forecast;
	char warned[sizeof((struct forecast *)0)->problem]; /* the last one */
};

/*
 * All of this changes nothing with --dry-run, and says what it would change.
 */

/*
 * Opens a directory of the tree to make entries in it. replaces_files: replace
 * regular files, too. False, with a message.
 */
bool arm_open(const struct ctl *ctl, const char *directory, bool replaces_files,
	struct arm *out);

void arm_close(const struct arm *arm);

/*
 * Sets the text of the links, if the responder would serve their target. Warns,
 * calling the target what, if it is unlikely to boot. Returns 0 or -errno,
 * without a message.
 */
int arm_set_text(struct arm *arm, const char *what, const char *text);

/*
 * Sets the text of the links to a target as people give it: relative to the
 * root, or absolute. The text is relative to the directory, or absolute if the
 * directory is itself a link and relative text would lead elsewhere. False,
 * with a message.
 */
bool arm_set_target(struct arm *arm, const char *target);

/*
 * Removes a client's entry and prints it. A file only with replaces_files.
 * False, with a message: also if there is none, without --missing-ok.
 */
bool arm_remove(const struct arm *arm, const char *client);

/*
 * Makes a client's entry, unless it is there already, and prints it. A machine
 * that asks meanwhile gets the old entry or the new one. False, with a message:
 * the entry was not made, or the responder will answer with an error.
 */
bool arm_client(struct arm *arm, const struct client *client);

/* Links that an interrupted command left have names that begin with this. */
#define ARM_TEMPORARY ".arm-"
