/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the root and "default" is the larger part of what a
 * request costs. So a thread keeps them open. Each request asks the file system
 * whether the names still lead to exactly these, unchanged, so no answer is
 * stale.
 */
#include "boot/tree_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "boot/file_system.h"
#include "boot/tree.h"

#define JUST_CHANGED_MS 100
#define STATX_WANTED (STATX_BASIC_STATS | STATX_MNT_ID)

void tree_cache_init(struct tree_cache *out)
{
	*out = (struct tree_cache){.root = -1, .default_file = -1, .lent = -1};
}

static void release_default(struct tree_cache *cache)
{
	if (cache->default_file >= 0)
		close(cache->default_file);
	cache->default_file = -1;
}

void tree_cache_release(struct tree_cache *cache)
{
	release_default(cache);
	if (cache->root >= 0)
		close(cache->root);
	cache->root = -1;
}

/* False: an error, or an old kernel that does not tell all of it. */
static bool stat_file(
	int directory, const char *path, int flags, struct statx *out)
{
	return statx(directory, path, flags | AT_NO_AUTOMOUNT, STATX_WANTED,
		       out) == 0 &&
	       (out->stx_mask & STATX_WANTED) == STATX_WANTED;
}

/* While a file is open, no other one can have its inode number. */
static bool is_same_file(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor &&
	       a->stx_mnt_id == b->stx_mnt_id;
}

/* Each change to a file, or to its permissions, changes its ctime. */
static bool is_unchanged_file(const struct statx *a, const struct statx *b)
{
	return is_same_file(a, b) &&
	       a->stx_ctime.tv_sec == b->stx_ctime.tv_sec &&
	       a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec;
}

/*
 * Whether a further change could get the same ctime: kernels before 6.13 count
 * it in ticks of at most 10 ms.
 */
static bool is_just_changed(const struct statx *file)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (now.tv_sec - file->stx_ctime.tv_sec) * 1000 +
	               (now.tv_nsec - file->stx_ctime.tv_nsec) / 1000000 <
	       JUST_CHANGED_MS;
}

int tree_open_cached(struct tree_cache *cache, const char *root,
	const char *allow, struct tree *out)
{
	struct statx now;
	const bool is_known = stat_file(AT_FDCWD, root, 0, &now);

	if (cache->root < 0 || !is_known ||
		!is_same_file(&now, &cache->root_was)) {
		tree_cache_release(cache);
		int err = tree_open(root, allow, out);
		if (err < 0 || !stat_file(out->root, "", AT_EMPTY_PATH, &now))
			return err;
		cache->root = out->root;
		cache->root_was = now;
		cache->is_shared = out->is_shared;
	}
	/* What an earlier request did not give back is not ours any more. */
	cache->lent = -1;
	*out = (struct tree){.root = cache->root,
		.path = root,
		.allow = allow,
		.is_shared = cache->is_shared,
		.cache = cache};
	return 0;
}

/*
 * To be kept, an open file must be as it was seen before it was opened. On a
 * network's file system statx(2) may tell the state of some seconds ago, and
 * only opening a file asks the server.
 */
static bool may_keep_default(
	const struct statx *before, int fd, struct statx *after)
{
	return S_ISREG(before->stx_mode) && file_system_is_local(fd) &&
	       stat_file(fd, "", AT_EMPTY_PATH, after) &&
	       is_unchanged_file(before, after) && !is_just_changed(after);
}

int tree_open_default(const struct tree *tree, int flags, off_t *size)
{
	struct tree_cache *cache = tree->cache;
	struct statx now;

	*size = -1;
	if (cache == NULL)
		return tree_open_at(tree, TREE_DEFAULT, flags);

	const bool is_known =
		stat_file(tree->root, TREE_DEFAULT, AT_SYMLINK_NOFOLLOW, &now);
	if (is_known && cache->default_file >= 0 &&
		is_unchanged_file(&now, &cache->default_was)) {
		cache->lent = cache->default_file;
		cache->default_file = -1;
		*size = (off_t)now.stx_size;
		return cache->lent;
	}
	release_default(cache);
	int fd = tree_open_at(tree, TREE_DEFAULT, flags);
	if (fd >= 0 && is_known &&
		may_keep_default(&now, fd, &cache->default_was))
		cache->lent = fd;
	return fd;
}

void tree_close_file(const struct tree *tree, int fd)
{
	struct tree_cache *cache = tree->cache;

	if (cache == NULL || fd != cache->lent) {
		close(fd);
		return;
	}
	cache->default_file = fd;
	cache->lent = -1;
}

int tree_take_root(struct tree *tree)
{
	const int root = tree->root;

	if (tree->cache != NULL) {
		/* What is kept beside it belongs to this root. */
		release_default(tree->cache);
		tree->cache->root = -1;
	}
	tree->root = -1;
	return root;
}
