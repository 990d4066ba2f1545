/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

#include "boot/claim.h"

struct tree;

/* PXESRV_ONCE_GRACE: a client that asks again soon gets the same again. */

/*
 * Looks for a link of client that was claimed or served within the last
 * grace seconds, the newest first. Writes where it is, and its text. 1, 0 when
 * there is none, or -errno.
 */
int grace_recent(const struct tree *tree, const char *client, unsigned grace,
	char path[static CLAIM_PATH_SIZE], char text[static PATH_MAX]);

/*
 * To be called before a grace answers: when the first answer is still under
 * way, its claim goes to once/.served/, lest it be armed again by an answer
 * that breaks off while this one is delivered. 0; -ENOENT when it has moved
 * since it was found: look again; or another -errno, as of claim_served().
 */
int grace_settle(const struct tree *tree, const char *client, const char *path);
