/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "boot/tree.h"

struct ctl;

/*
 * What the responder may do with once/, by the ids of its user and the mounts
 * of its process, as far as they are known. Call these functions between
 * as_user_begin_reading() and as_user_end(). They change nothing.
 */
struct permission {
	struct tree tree; /* the responder's root, if it is seen */
	struct stat once;
	pid_t pid;     /* of the responder, or 0 */
	bool is_known; /* whether user is known */
	uid_t user;
};

/* False: there is no once/, which is the same as an empty one. */
bool permission_open(const struct ctl *ctl, struct permission *out);

/* Whether this process runs with the ids of the responder's user. */
bool permission_runs_as_user(const struct permission *permission);

bool permission_is_sticky(const struct permission *permission);

/* Whether the sticky bit of once/ does not limit the responder. */
bool permission_owns_once(const struct permission *permission);

/*
 * As once_part_check(), from the responder's point of view. Also -ENOENT for
 * something that the responder would move aside and replace.
 */
int permission_check_part(
	const struct permission *permission, const char *path);

/*
 * 0, or the errno that claim_take() would give for a client, or, with NULL, for
 * any client; then where is the path. If the responder's user is unknown, an
 * error is one that every user but root would get.
 */
int permission_claim(const struct permission *permission, const char *client,
	const char **where);

/* The same for moving a claim to once/.served/. */
int permission_served(const struct permission *permission);
