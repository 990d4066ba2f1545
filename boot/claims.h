/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct tree;

/* The claims of a tree: what lies in once/.claimed/. */

/* once_parts_make(), under the lock. 0 or -errno. */
int claims_prepare(const struct tree *tree);

/* Whether name, in once/.claimed/, is a claim of client. */
bool claims_is_of(const char *name, const char *client);

/*
 * Calls back for each link in once/.claimed/, with its name there. Before any
 * answer is under way these were left by a crash. 0 or -errno.
 */
int claims_each(const struct tree *tree,
	void (*found)(const char *name, void *context), void *context);
