/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <sys/types.h>

struct tree;

/*
 * Makes what a cancel needs in once/, before the first one. Only the owner of
 * once/ does, who is the responder's user: what belongs to others that one
 * might not be able to use. 0; -ENOENT when there is something missing; or
 * another -errno.
 */
int cancel_prepare(const struct tree *tree);

/*
 * Moves the once link of a client to once/.cancelled/, by a new link, which
 * belongs to who cancels. Under the lock, so that it is either cancelled or
 * served. Writes its text. 0; CANCEL_NOT_KEPT when it is cancelled, but another
 * user has something in its place in once/.cancelled/; -ENOENT when there is
 * none; -EINVAL when there is no link but something else; -EAGAIN when the lock
 * was not to be had; -EPERM when somebody else has armed the client, in a
 * sticky once/; or another -errno. With these it is where it was, or, where
 * even that fails, beside that by a name that begins with ARM_TEMPORARY.
 */
int cancel_link(const struct tree *tree, const char *client,
	char text[static PATH_MAX]);

#define CANCEL_NOT_KEPT 1
#define CANCEL_NAME_SIZE 96 /* bytes */

/* The path of what a user has cancelled for a client: there is one at most. */
void cancel_path(
	const char *client, uid_t user, char out[static CANCEL_NAME_SIZE]);

struct ctl;

/* What there is to arm again for a client. */
struct rearmable {
	char path[96];       /* where it lies, as it counts from the root */
	char text[PATH_MAX]; /* the link as written; it counts from once/ */
	uid_t owner;         /* who armed or cancelled it */
};

/*
 * Finds the link of a client that was served or cancelled last. Of the
 * cancelled ones only those count that belong to who asks, the owner of once/,
 * or root: in once/.cancelled/ all who may arm can put links. 0; -ENOENT: there
 * is none; -EPERM: somebody else has armed it, whom out->owner names, and who
 * asks is neither root nor the owner of once/, which is sticky; or another
 * -errno.
 */
int rearm_find(
	const struct ctl *ctl, const char *client, struct rearmable *out);
