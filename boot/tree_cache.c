/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the root and "default" is most of a request's cost, so a
 * thread keeps them open. Each request checks that the names still lead to the
 * same unchanged files, so no answer is stale. Nor is what the root was seen
 * not to have: a new entry changes its ctime.
 */
#include "boot/tree_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/file_system.h"
#include "boot/identity.h"
#include "boot/subnet.h"
#include "boot/tree.h"
#include "boot/until.h"

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

/* Returns false on an error, or if an old kernel lacks a field. */
static bool stat_file(
	int directory, const char *path, int flags, struct statx *out)
{
	return statx(directory, path, flags | AT_NO_AUTOMOUNT, STATX_WANTED,
		       out) == 0 &&
	       (out->stx_mask & STATX_WANTED) == STATX_WANTED;
}

/* While a file is open, no other file can have its inode number. */
static bool is_same_file(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor &&
	       a->stx_mnt_id == b->stx_mnt_id;
}

/* Each change to a file or its permissions changes its ctime. */
static bool is_unchanged_file(const struct statx *a, const struct statx *b)
{
	return is_same_file(a, b) &&
	       a->stx_ctime.tv_sec == b->stx_ctime.tv_sec &&
	       a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec;
}

/*
 * Whether the next change could get the same ctime: kernels before 6.13 count
 * ctime in ticks of up to 10 ms.
 */
static bool is_just_changed(const struct statx *file)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (now.tv_sec - file->stx_ctime.tv_sec) * 1000 +
	               (now.tv_nsec - file->stx_ctime.tv_nsec) / 1000000 <
	       JUST_CHANGED_MS;
}

/* Forgets what the root did not have if that may have changed. */
static void note_root(struct tree_cache *cache, const struct statx *now)
{
	if (!cache->is_root_settled ||
		!is_unchanged_file(now, &cache->root_was)) {
		memset(cache->presence, 0, sizeof cache->presence);
		/* statx(2) of a network's file system may be seconds behind. */
		cache->is_root_settled =
			!cache->is_shared && !is_just_changed(now);
	}
	cache->root_was = *now;
}

bool tree_lacks(const struct tree *tree, enum tree_optional directory)
{
	static const char *const names[] = {
		[TREE_NAMES] = NAMES_DIR,
		[TREE_SUBNET] = SUBNET_DIR,
		[TREE_UNTIL] = UNTIL_DIR,
	};
	struct tree_cache *cache = tree->cache;
	struct stat st;

	if (cache == NULL || !cache->is_root_settled)
		return false;
	enum tree_presence *presence = &cache->presence[directory];
	/* A link that leads nowhere is present: its target may come. */
	if (*presence == TREE_PRESENCE_UNKNOWN)
		*presence = fstatat(tree->root, names[directory], &st,
				    AT_SYMLINK_NOFOLLOW) < 0 &&
		                            errno == ENOENT
		                    ? TREE_ABSENT
		                    : TREE_PRESENT;
	return *presence == TREE_ABSENT;
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
		cache->is_shared = out->is_shared;
		cache->is_root_settled = false;
	}
	note_root(cache, &now);
	/* Forget a file that an earlier request did not give back. */
	cache->lent = -1;
	*out = (struct tree){.root = cache->root,
		.path = root,
		.allow = allow,
		.is_shared = cache->is_shared,
		.cache = cache};
	return 0;
}

/*
 * Keep a file only if it did not change while it was opened. On a network file
 * system statx(2) may be seconds behind; only open(2) asks the server.
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
		/* The cached default belongs to this root. */
		release_default(tree->cache);
		tree->cache->root = -1;
	}
	tree->root = -1;
	return root;
}
