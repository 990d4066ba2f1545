/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <sys/types.h>

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
