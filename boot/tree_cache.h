/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "boot/tree.h"

struct target;

/* What is known of an entry of the root, as long as that does not change. */
enum tree_presence {
	TREE_PRESENCE_UNKNOWN,
	TREE_PRESENT,
	TREE_ABSENT,
};

/* What a thread keeps open between requests: the root and "default". */
struct tree_cache {
	int root; /* O_PATH descriptor, or -1 */
	struct statx root_was;
	bool is_root_settled; /* its next change changes its ctime */
	enum tree_presence presence[TREE_OPTIONAL_COUNT];
	bool is_shared;   /* as in struct tree */
	int default_file; /* "default", or -1 */
	int lent;         /* default_file while a request has it, or -1 */
	struct statx default_was;
};

void tree_cache_init(struct tree_cache *out);

/* Closes all cached files. Call it when idle, so that umount(8) works. */
void tree_cache_release(struct tree_cache *cache);

/*
 * As tree_open(), with a root that the cache keeps. Only one request at a time
 * may use the cache. The strings and the cache must outlive the tree.
 */
int tree_open_cached(struct tree_cache *cache, const char *root,
	const char *allow, struct tree *out);
