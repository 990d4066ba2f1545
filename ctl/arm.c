/* SPDX-License-Identifier: MIT */
/*
 * Puts a link in its place by renames alone, so that a machine which asks
 * meanwhile gets the old target or the new one.
 */
#include "ctl/arm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/once.h"
#include "boot/tree.h"

/* Somebody else who arms and cancels in between is that fast only by fault. */
#define TRIES_MAX 100

/* The text of a link; empty when it is none. 0 or -errno. */
static int read_link(
	const struct tree *tree, const char *path, char text[static PATH_MAX])
{
	const ssize_t n = readlinkat(tree->root, path, text, PATH_MAX - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -errno : 0;
}

/* The new link is at temporary; what it replaces goes there. 0 or -errno. */
static int exchange(const struct tree *tree, const char *temporary,
	const char *path, enum arm_files files, char before[static PATH_MAX])
{
	/* A file that is to stay is not moved even for a moment. */
	int err = read_link(tree, path, before);
	if (err == -EINVAL && files == ARM_KEEPS_FILES)
		return -EEXIST;
	if (renameat2(tree->root, temporary, tree->root, path,
		    RENAME_EXCHANGE) < 0)
		return -errno;

	struct stat st;
	err = read_link(tree, temporary, before);
	if (err == -EINVAL && files == ARM_REPLACES_FILES &&
		fstatat(tree->root, temporary, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		!S_ISDIR(st.st_mode))
		err = 0;
	if (err != -EINVAL)
		return err;
	/* It was put there just now, and the new link may be claimed already.
	 */
	if (renameat2(tree->root, temporary, tree->root, path,
		    RENAME_EXCHANGE) < 0)
		renameat2(tree->root, temporary, tree->root, path,
			RENAME_NOREPLACE);
	return -EEXIST;
}

/* Where renameat2(2) can't do that, on NFS. 0 or -errno. */
static int replace(const struct tree *tree, const char *temporary,
	const char *path, enum arm_files files, char before[static PATH_MAX])
{
	const int err = read_link(tree, path, before);

	if (err == -EINVAL && files == ARM_KEEPS_FILES)
		return -EEXIST;
	if (err < 0 && err != -ENOENT && err != -EINVAL)
		return err;
	return renameat(tree->root, temporary, tree->root, path) < 0 ? -errno
	                                                             : 0;
}

static int put_in_place(const struct tree *tree, const char *temporary,
	const char *path, enum arm_files files, char before[static PATH_MAX])
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		before[0] = '\0';
		if (renameat2(tree->root, temporary, tree->root, path,
			    RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == EINVAL || errno == ENOSYS)
			return replace(tree, temporary, path, files, before);
		if (errno != EEXIST)
			return -errno;
		const int err = exchange(tree, temporary, path, files, before);
		/* It was claimed just now: then there is room for it. */
		if (err != -ENOENT)
			return err;
	}
	return -EAGAIN;
}

int arm_link(const struct tree *tree, const char *directory, const char *name,
	const char *text, enum arm_files files, char before[static PATH_MAX])
{
	char unique[ONCE_SUFFIX_SIZE], temporary[PATH_MAX], path[PATH_MAX];

	int err = once_unique_suffix(unique);
	if (err < 0)
		return err;
	if (snprintf(temporary, sizeof temporary, "%s/" ARM_TEMPORARY "%s",
		    directory, unique) >= (int)sizeof temporary ||
		snprintf(path, sizeof path, "%s/%s", directory, name) >=
			(int)sizeof path)
		return -ENAMETOOLONG;
	if (symlinkat(text, tree->root, temporary) < 0)
		return -errno;
	err = put_in_place(tree, temporary, path, files, before);
	/* What was replaced, or what could not be put there. */
	char own[1];
	if (err != -EEXIST ||
		readlinkat(tree->root, temporary, own, sizeof own) >= 0)
		unlinkat(tree->root, temporary, 0);
	return err;
}
