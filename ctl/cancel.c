/* SPDX-License-Identifier: MIT */
#include "ctl/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/once.h"
#include "boot/once_lock.h"
#include "boot/tree.h"
#include "ctl/arm.h"

struct paths {
	char armed[CANCEL_NAME_SIZE], taken[CANCEL_NAME_SIZE];
	char made[CANCEL_NAME_SIZE], cancelled[CANCEL_NAME_SIZE];
};

/*
 * By the user too, for all who may arm can write there: nobody can be in
 * another's way, and each finds what is his own.
 */
void cancel_path(
	const char *client, uid_t user, char out[static CANCEL_NAME_SIZE])
{
	snprintf(out, CANCEL_NAME_SIZE, CANCELLED_DIR "/%s.%lu", client,
		(unsigned long)user);
}

static int name_paths(const char *client, struct paths *out)
{
	char unique[ONCE_SUFFIX_SIZE];
	const int err = once_unique_suffix(unique);

	if (err < 0)
		return err;
	snprintf(out->armed, sizeof out->armed, ONCE_DIR "/%s", client);
	snprintf(out->taken, sizeof out->taken, ONCE_DIR "/" ARM_TEMPORARY "%s",
		unique);
	snprintf(out->made, sizeof out->made,
		CANCELLED_DIR "/" ARM_TEMPORARY "%s", unique);
	cancel_path(client, geteuid(), out->cancelled);
	return 0;
}

static int move(const struct tree *tree, const char *from, const char *to)
{
	return renameat(tree->root, from, tree->root, to) < 0 ? -errno : 0;
}

/* Another user has something there that is not to be replaced. */
static bool is_in_the_way(int err)
{
	return err == -EISDIR || err == -EPERM || err == -EACCES;
}

/*
 * A new link: the old one may belong to somebody whom the owner cancels. 0,
 * CANCEL_NOT_KEPT or -errno.
 */
static int make_cancelled(
	const struct tree *tree, const struct paths *paths, const char *text)
{
	int err = once_part_check(tree, CANCELLED_DIR);

	if (err < 0)
		return err;
	if (symlinkat(text, tree->root, paths->made) < 0)
		return -errno;
	err = move(tree, paths->made, paths->cancelled);
	if (err < 0)
		unlinkat(tree->root, paths->made, 0);
	/* Nobody must be able to keep a machine armed. */
	return is_in_the_way(err) ? CANCEL_NOT_KEPT : err;
}

static int cancel_locked(const struct tree *tree, const struct paths *paths,
	char text[static PATH_MAX])
{
	/* A file is not moved even for a moment. */
	ssize_t n = readlinkat(tree->root, paths->armed, text, PATH_MAX - 1);
	if (n < 0)
		return -errno;

	/* From here on this very link is in nobody else's hands. */
	int err = move(tree, paths->armed, paths->taken);
	if (err < 0)
		return err;
	n = readlinkat(tree->root, paths->taken, text, PATH_MAX - 1);
	err = n < 0 ? -errno : 0;
	text[n < 0 ? 0 : n] = '\0';
	if (err == 0)
		err = make_cancelled(tree, paths, text);
	if (err >= 0)
		return unlinkat(tree->root, paths->taken, 0) < 0 ? -errno : err;
	/* If that fails, it stays where it is, and check reports it. */
	tree_move(tree, paths->taken, paths->armed);
	return err;
}

int cancel_prepare(const struct tree *tree)
{
	static const char *const needed[] = {ONCE_LOCK, CANCELLED_DIR};
	struct stat once;

	if (fstatat(tree->root, ONCE_DIR, &once, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Root's is nobody's: whom the responder runs as can't be told. */
	if (once.st_uid == geteuid() && geteuid() != 0)
		return once_prepare(tree);
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		const int err = once_part_check(tree, needed[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

int cancel_link(
	const struct tree *tree, const char *client, char text[static PATH_MAX])
{
	struct paths paths = {.armed = ""};
	int err = name_paths(client, &paths);

	if (err < 0)
		return err;
	const int lock = once_lock(tree);
	if (lock < 0)
		return lock;
	err = cancel_locked(tree, &paths, text);
	once_unlock(tree, lock);
	return err;
}
