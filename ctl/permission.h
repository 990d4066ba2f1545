/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "boot/tree.h"

struct ctl;

/*
 * What the responder may do with once/, by its user's ids and its process's
 * mounts, as far as they are known. Call these functions between
 * as_user_begin_reading() and as_user_end(). They change nothing.
 */
struct permission {
	struct tree tree; /* the responder's root, if visible */
	struct stat once;
	pid_t pid;     /* the responder's, or 0 */
	bool is_known; /* user is known */
	uid_t user;
};

/* False: there is no once/, which is the same as an empty one. */
bool permission_open(const struct ctl *ctl, struct permission *out);

bool permission_runs_as_user(const struct permission *permission);

bool permission_is_sticky(const struct permission *permission);

/* Whether the sticky bit of once/ does not limit the responder. */
bool permission_owns_once(const struct permission *permission);

/*
 * As once_part_check() for the responder. Also -ENOENT for something that the
 * responder would move aside and replace.
 */
int permission_check_part(
	const struct permission *permission, const char *path);

/*
 * Returns 0, or the errno of claim_take() for a client (NULL: for any client);
 * then where is the path. If the responder's user is unknown, every user but
 * root would get that errno.
 */
int permission_claim(const struct permission *permission, const char *client,
	const char **where);

/* As permission_claim(), for moving a claim to once/.served/. */
int permission_served(const struct permission *permission);

/* As permission_claim(), for moving any link of until/ to until/.done/. */
int permission_done(const struct permission *permission, const char **where);

/*
 * Whether the sticky bit of until/ or until/.done, whose path is then where,
 * keeps the responder from moving or replacing links of others.
 */
bool permission_done_is_limited(
	const struct permission *permission, const char **where);
