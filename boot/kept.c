/* SPDX-License-Identifier: MIT */
#include "boot/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "boot/tree.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

#define NEW_MS 100
#define ASKED (STATX_BASIC_STATS | STATX_MNT_ID)

void kept_init(struct kept *out)
{
	*out = (struct kept){.root = -1, .boot_file.fd = -1};
}

static void release_boot_file(struct kept *kept)
{
	if (kept->boot_file.fd >= 0)
		close(kept->boot_file.fd);
	kept->boot_file.fd = -1;
}

void kept_release(struct kept *kept)
{
	release_boot_file(kept);
	if (kept->root >= 0)
		close(kept->root);
	kept->root = -1;
}

/* False: it can't be told, by this kernel or at all. */
static bool look(int directory, const char *path, int flags, struct statx *out)
{
	return statx(directory, path, flags | AT_NO_AUTOMOUNT, ASKED, out) ==
	               0 &&
	       (out->stx_mask & ASKED) == ASKED;
}

/* No other file can have that number as long as this one is open. */
static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor &&
	       a->stx_mnt_id == b->stx_mnt_id;
}

/* Each change to a file, or to who may read it, changes its ctime. */
static bool is_unchanged(const struct statx *a, const struct statx *b)
{
	return is_same(a, b) && a->stx_ctime.tv_sec == b->stx_ctime.tv_sec &&
	       a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec;
}

/*
 * Whether one more change may get the same ctime: kernels before 6.13 count it
 * by the tick, of at most 10 ms.
 */
static bool is_new(const struct statx *file)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (now.tv_sec - file->stx_ctime.tv_sec) * 1000 +
	               (now.tv_nsec - file->stx_ctime.tv_nsec) / 1000000 <
	       NEW_MS;
}

/*
 * Whether a look tells what is there now. With a network's file system it tells
 * what was there some seconds ago; only opening a file asks the server.
 */
static bool is_local(int fd)
{
	struct statfs system;

	if (fstatfs(fd, &system) < 0)
		return false;
	switch ((unsigned long)system.f_type) {
	case BTRFS_SUPER_MAGIC:
	case EXT4_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case XFS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

int kept_tree_open(struct kept *kept, const char *root, const char *allow,
	struct tree *out)
{
	struct statx now;
	const bool told = look(AT_FDCWD, root, 0, &now);

	if (kept->root < 0 || !told || !is_same(&now, &kept->root_was)) {
		kept_release(kept);
		int err = tree_open(root, allow, out);
		if (err < 0 || !look(out->root, "", AT_EMPTY_PATH, &now))
			return err;
		kept->root = out->root;
		kept->root_was = now;
	}
	*out = (struct tree){
		.root = kept->root, .path = root, .allow = allow, .kept = kept};
	return 0;
}

/* Keeps the file if it is still as it was seen before it was opened. */
static void keep(
	struct kept *kept, const struct statx *before, struct target *target)
{
	struct statx after;

	if (!is_local(target->fd) ||
		!look(target->fd, "", AT_EMPTY_PATH, &after) ||
		!is_unchanged(before, &after) || is_new(&after))
		return;
	target->is_kept = true;
	kept->boot_file = *target;
	kept->boot_file_was = after;
}

int kept_default_open(const struct tree *tree, struct target *out)
{
	struct kept *kept = tree->kept;
	struct statx now;

	if (kept == NULL)
		return target_open_file(tree, TREE_DEFAULT, out);

	const bool told =
		look(tree->root, TREE_DEFAULT, AT_SYMLINK_NOFOLLOW, &now);
	if (told && kept->boot_file.fd >= 0 &&
		is_unchanged(&now, &kept->boot_file_was)) {
		*out = kept->boot_file;
		return 0;
	}
	release_boot_file(kept);
	int err = target_open_file(tree, TREE_DEFAULT, out);
	if (err == 0 && told)
		keep(kept, &now, out);
	return err;
}

void kept_forget_target(const struct tree *tree, const struct target *target)
{
	if (target->is_kept)
		tree->kept->boot_file.fd = -1;
}

int kept_give_root(struct tree *tree)
{
	const int root = tree->root;

	if (tree->kept != NULL) {
		/* What is kept beside it belongs to this root. */
		release_boot_file(tree->kept);
		tree->kept->root = -1;
	}
	tree->root = -1;
	return root;
}
