/* SPDX-License-Identifier: MIT */
/*
 * The links in until/, which are served at every boot until the machine says
 * that it is done. One rename ends a link, so no lock is needed.
 */
#include "boot/until.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/keys.h"
#include "boot/tree.h"

/* Opens until/.done, or makes it. Returns a descriptor or -errno. */
static int open_done(const struct tree *tree)
{
	/*
	 * O_NOFOLLOW: whoever may write to until/ must not lead the rename to
	 * another directory, where the responder may write and he may not.
	 */
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	const int fd = openat(tree->root, DONE_DIR, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	const int err = until_prepare(tree);
	if (err < 0)
		return err;
	const int made = openat(tree->root, DONE_DIR, flags);
	return made < 0 ? -errno : made;
}

/* Whether both are names of one link, made by ln(1). */
static bool is_same_link(
	const struct tree *tree, const char *path, int done, const char *key)
{
	struct stat armed, old;

	return fstatat(tree->root, path, &armed, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(done, key, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
	       armed.st_ino == old.st_ino && armed.st_dev == old.st_dev;
}

static int move_to_done(
	const struct tree *tree, const char *path, const char *key)
{
	const int done = open_done(tree);

	if (done < 0)
		return done;
	/* rename(2) would leave both names, and the machine never be done. */
	const int failed = is_same_link(tree, path, done, key)
	                           ? unlinkat(tree->root, path, 0)
	                           : renameat(tree->root, path, done, key);
	const int err = failed < 0 ? -errno : 0;
	close(done);
	return err;
}

int until_finish(const struct tree *tree, const struct keys *keys,
	bool look_only, char path[static ENTRY_PATH_SIZE])
{
	char text[PATH_MAX];
	int err = -ENOENT;

	path[0] = '\0';
	tree_look_for_changes(tree, UNTIL_DIR);
	for (unsigned i = 0; err == -ENOENT && i < keys->count; i++) {
		snprintf(path, ENTRY_PATH_SIZE, UNTIL_DIR "/%s", keys->list[i]);
		err = tree_read_link(tree, path, text);
		if (err == 0 && !look_only)
			err = move_to_done(tree, path, keys->list[i]);
		/* A file in until/ is ignored, as by the decision. */
		if (err == -EINVAL)
			err = -ENOENT;
	}
	return err;
}

int until_prepare(const struct tree *tree)
{
	struct stat until;

	if (fstatat(tree->root, UNTIL_DIR, &until, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Who may change until/ may change what was there. */
	const mode_t mode =
		until.st_mode & (S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO);
	if (mkdirat(tree->root, DONE_DIR, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}
