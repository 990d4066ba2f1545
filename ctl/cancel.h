/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

struct tree;

/*
 * Makes what a cancel needs in once/, before the first one. Only the owner of
 * once/ does, who is the responder's user: what belongs to others that one
 * might not be able to use. 0; -ENOENT when there is something missing; or
 * another -errno.
 */
int cancel_prepare(const struct tree *tree);

/*
 * Moves the once link of a client to once/.served/, with a time that no
 * PXESRV_ONCE_GRACE reaches: CANCEL_TIME. Under the lock, so that it is either
 * cancelled or served. Writes its text. 0; -ENOENT when there is none; -EINVAL
 * when there is no link but something else; -EAGAIN when the lock was not to be
 * had; or another -errno. With these it is where it was, or, where even that
 * fails, in once/.claimed/.
 */
int cancel_link(const struct tree *tree, const char *client,
	char text[static PATH_MAX]);

/* The mtime, in seconds, of a link that was never served. */
#define CANCEL_TIME 0
