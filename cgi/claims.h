/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct tree;

/* The claims of a tree: what lies in once/.claimed/. */

/*
 * Makes the lock and the two directories, if once/ is there, so that a claim
 * on a disk that has filled up meanwhile needs to make nothing. 0 or -errno.
 */
int claims_prepare(const struct tree *tree);

/* Whether name, in once/.claimed/, is a claim of client. */
bool claims_is_of(const char *name, const char *client);

/*
 * Calls back for each link in once/.claimed/, with its name there. Before any
 * answer is under way these were left by a crash. 0 or -errno.
 */
int claims_each(const struct tree *tree,
	void (*found)(const char *name, void *context), void *context);
