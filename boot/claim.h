/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

#include "boot/once_parts.h"

struct tree;

#define CLAIM_PATH_SIZE 96

/*
 * A once link that was taken out of once/ for one answer. It ends by
 * claim_served() or by claim_return(); if neither comes, since the process
 * died, it stays in once/.claimed/ for a person to look at.
 */
struct claim {
	char armed[64];             /* once/<client> */
	char served[64];            /* once/.served/<client> */
	char path[CLAIM_PATH_SIZE]; /* once/.claimed/<client>.<unique> */
	char text[PATH_MAX];        /* the link that was moved, as written */
};

/*
 * Fills in a claim by its path and, a canonical address, its client. The text
 * is empty.
 */
void claim_at(const char *client, const char *path, struct claim *out);

/*
 * Claims the link of client (its canonical address), whose text was seen to be
 * this: one rename, under the lock. 0, or -ENOENT when there is no such link
 * (any more), or another -errno; then the link is where it was. -EAGAIN: the
 * lock was held for too long. Someone who arms a client takes no lock: in the
 * end it is out->text that was moved.
 */
int claim_take(const struct tree *tree, const char *client, const char *text,
	struct claim *out);

/*
 * The answer was delivered. 0; -ENOENT when grace_settle() was faster; or
 * another -errno when the claim could not become the client's entry in
 * once/.served/: with -ENOSPC and -EDQUOT it was removed instead, else it stays
 * in once/.claimed/. Where one that was claimed later is there already, this
 * one is removed.
 */
int claim_served(const struct tree *tree, const struct claim *claim);

/*
 * The answer was not delivered, but the link is not to be armed: it goes to
 * once/.served/ as well. 0; -EEXIST when one that was claimed later is there,
 * then it stays in once/.claimed/; or another -errno, as of claim_served().
 */
int claim_retire(const struct tree *tree, const struct claim *claim);

/*
 * The answer was not delivered: arms the link again. 0; -ENOENT when
 * grace_settle() was faster, and it is answered by a grace; -EEXIST when
 * somebody has armed the client meanwhile, be it that that link was claimed as
 * well; or another -errno. With an error the claim is where it was.
 */
int claim_return(const struct tree *tree, const struct claim *claim);

/*
 * Moves a link, by paths from the root, without ever taking the place of
 * something. 0 or -errno, -EEXIST when there is something.
 */
int claim_move_into_gap(
	const struct tree *tree, const char *from, const char *to);
