/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

#include "boot/claim.h"

struct tree;

/*
 * Finds client's newest link claimed or served in the last grace seconds.
 * Writes its path and text. Returns 1 if found, 0 if there is none, or -errno.
 */
int grace_recent(const struct tree *tree, const char *client, unsigned grace,
	char path[static CLAIM_PATH_SIZE], char text[static PATH_MAX]);

/*
 * Moves the claim at path to once/.served/ before its answer is repeated: the
 * first answer, if it breaks off, must not arm the link again. Returns 0;
 * -ENOENT if the link has moved, so look again; or -errno of claim_served().
 */
int grace_retire_claim(
	const struct tree *tree, const char *client, const char *path);
