/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

struct tree;

/* PXESRV_ONCE_GRACE: a client that asks again soon gets the same again. */

/*
 * Looks for a link of client that was claimed or served within the last
 * grace seconds, the newest first. Writes its text. 1, 0 when there is none,
 * or -errno.
 */
int grace_recent(const struct tree *tree, const char *client, unsigned grace,
	char text[static PATH_MAX]);

/*
 * The answer of a grace was delivered: what is under way for the client's
 * claims does not matter any more, so they go to once/.served/. 0 or -errno.
 */
int grace_settle(const struct tree *tree, const char *client);
