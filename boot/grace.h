/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

#include "boot/claim.h"

struct tree;

/*
 * Looks for the newest link of client that was claimed or served within the
 * last grace seconds. Writes its path and its text. 1, 0 when there is none, or
 * -errno.
 */
int grace_recent(const struct tree *tree, const char *client, unsigned grace,
	char path[static CLAIM_PATH_SIZE], char text[static PATH_MAX]);

/*
 * Call it before an answer is repeated. When the first answer is still under
 * way, its claim goes to once/.served/. Otherwise that answer, if it breaks
 * off, would arm the link again while this one is delivered. 0; -ENOENT when
 * the link has moved since it was found: look again; or another -errno, as of
 * claim_served().
 */
int grace_retire_claim(
	const struct tree *tree, const char *client, const char *path);
