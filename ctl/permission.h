/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "boot/tree.h"

struct ctl;

/*
 * What the responder may do with once/: with the rights of its user and by the
 * mounts of its process, as far as they are known. All of it wants open eyes:
 * as_user_begin_reading(). Nothing is moved or made.
 */
struct permission {
	struct tree tree; /* its root is the responder's own, if that is seen */
	struct stat once;
	pid_t pid;     /* of the responder, or 0 */
	bool is_known; /* the responder's user */
	uid_t user;
};

/* False: there is no once/, which is the same as an empty one. */
bool permission_open(const struct ctl *ctl, struct permission *out);

/* Whether this process sees the tree as the responder's user. */
bool permission_runs_as_user(const struct permission *permission);

bool permission_is_sticky(const struct permission *permission);

/* Whether the responder may do all in a sticky once/. */
bool permission_owns_once(const struct permission *permission);

/*
 * As once_part_check(), of the responder. -ENOENT also when it moves aside what
 * is there, and makes it anew.
 */
int permission_check_part(
	const struct permission *permission, const char *path);

/*
 * 0, or the errno that claim_take() would meet for a client or, with NULL, for
 * any; and the path at which. Of an unknown user only what is certain: what no
 * user but root can do.
 */
int permission_claim(const struct permission *permission, const char *client,
	const char **where);

/* The same of moving a claim to once/.served/. */
int permission_served(const struct permission *permission);
