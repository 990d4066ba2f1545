/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct target;
struct tree;

/*
 * What one thread keeps open from one request to the next: the root, and the
 * file "default".
 */
struct tree_cache {
	int root; /* O_PATH descriptor, or -1 */
	struct statx root_was;
	bool is_shared;   /* as in struct tree */
	int default_file; /* "default", or -1 */
	int lent;         /* the same while a request has it, or -1 */
	struct statx default_was;
};

void tree_cache_init(struct tree_cache *out);

/* Closes what is kept. Call it when idle, so that umount(8) works. */
void tree_cache_release(struct tree_cache *cache);

/*
 * As tree_open(), of a root that the cache keeps. One request at a time may use
 * the cache. The strings and the cache must outlive the tree.
 */
int tree_open_cached(struct tree_cache *cache, const char *root,
	const char *allow, struct tree *out);
