/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "boot/client.h"
#include "boot/once.h"

struct tree;

#define CLAIM_PATH_SIZE 112 /* bytes */

/*
 * A once link that was taken out of once/ for one answer. It ends by
 * claim_served() or by claim_put_back(). If neither comes, because the process
 * died, it stays in once/.claimed/ for a person to look at.
 */
struct claim {
	char armed[ENTRY_PATH_SIZE];  /* once/<client> */
	char served[ENTRY_PATH_SIZE]; /* once/.served/<client> */
	char path[CLAIM_PATH_SIZE];   /* once/.claimed/<client>.<suffix> */
};

/* Fills in the claim at path of a client, by its canonical address. */
void claim_at(const char *client, const char *path, struct claim *out);

/*
 * Claims the link of a client, by its canonical address: one rename, under the
 * lock. text is the link's text as it was read before. Someone who arms a
 * client takes no lock, so another link may be moved: text becomes that one's
 * text. 0; -ENOENT when the link is gone, is no link, or has another text now:
 * decide again; -EAGAIN when the lock was held for too long; or another -errno.
 * With an error the link is still in once/, unless putting it back has failed:
 * then it is at out->path or in once/.served/, as of claim_put_back().
 */
int claim_take(const struct tree *tree, const char *client,
	char text[static PATH_MAX], struct claim *out);

/*
 * The answer was delivered: the claim becomes once/.served/<client>. Where one
 * that was claimed later is there already, this one is removed instead. 0;
 * -ENOENT when grace_retire_claim() was faster; -ENOSPC or -EDQUOT when it was
 * removed because there was no room for it; with another -errno it stays in
 * once/.claimed/.
 */
int claim_served(const struct tree *tree, const struct claim *claim);

/*
 * The answer was not delivered: arms the link again. Where somebody has armed
 * the client meanwhile, even if that link was claimed as well, *is_overtaken is
 * set, and the claim goes to once/.served/ instead. 0, or an error:
 *
 *   -ENOENT   grace_retire_claim() was faster: a repeated answer has it
 *   -EEXIST   overtaken, and once/.served/<client> was claimed later: the claim
 *             stays in once/.claimed/
 *   others    as of claim_served() when overtaken; else the claim stays in
 *             once/.claimed/
 */
int claim_put_back(
	const struct tree *tree, const struct claim *claim, bool *is_overtaken);

/*
 * Calls back for each claim, with its path from the root: of the client, or of
 * all clients when it is NULL. Before any answer is under way these were left
 * by a crash. 0 or -errno.
 */
int claim_each(const struct tree *tree, const char *client,
	void (*found)(const char *path, void *context), void *context);
