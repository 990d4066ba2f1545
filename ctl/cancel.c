/* SPDX-License-Identifier: MIT */
#include "cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arm.h"
#include "claim.h"
#include "claims.h"
#include "once_lock.h"
#include "tree.h"
#include "unique.h"

struct paths {
	char armed[CLAIM_PATH_SIZE], claimed[CLAIM_PATH_SIZE];
	char made[CLAIM_PATH_SIZE], served[CLAIM_PATH_SIZE];
};

static int name_paths(const char *client, struct paths *out)
{
	char unique[UNIQUE_SIZE];
	const int err = unique_text(unique);

	snprintf(out->armed, sizeof out->armed, ONCE_DIR "/%s", client);
	snprintf(out->claimed, sizeof out->claimed, CLAIMED_DIR "/%s.%s",
		client, unique);
	snprintf(out->made, sizeof out->made, SERVED_DIR "/" ARM_TEMPORARY "%s",
		unique);
	snprintf(out->served, sizeof out->served, SERVED_DIR "/%s", client);
	return err;
}

static int move(const struct tree *tree, const char *from, const char *to)
{
	return renameat(tree->root, from, tree->root, to) < 0 ? -errno : 0;
}

/*
 * A new link, since only its owner may give one a time of his choice, and
 * whoever armed the client owns the old one.
 */
static int make_served(
	const struct tree *tree, const struct paths *paths, const char *text)
{
	static const struct timespec never[2] = {
		{.tv_sec = CANCEL_TIME}, {.tv_sec = CANCEL_TIME}};

	if (symlinkat(text, tree->root, paths->made) < 0)
		return -errno;
	int err = 0;
	if (utimensat(tree->root, paths->made, never, AT_SYMLINK_NOFOLLOW) < 0)
		err = -errno;
	if (err == 0)
		err = move(tree, paths->made, paths->served);
	if (err < 0)
		unlinkat(tree->root, paths->made, 0);
	return err;
}

static int cancel_locked(const struct tree *tree, const struct paths *paths,
	char text[static PATH_MAX])
{
	/* A file is not moved even for a moment. */
	ssize_t n = readlinkat(tree->root, paths->armed, text, PATH_MAX - 1);
	if (n < 0)
		return -errno;

	/* From here on this very link is in nobody else's hands. */
	int err = move(tree, paths->armed, paths->claimed);
	if (err < 0)
		return err;
	n = readlinkat(tree->root, paths->claimed, text, PATH_MAX - 1);
	err = n < 0 ? -errno : 0;
	text[n < 0 ? 0 : n] = '\0';
	if (err == 0)
		err = make_served(tree, paths, text);
	if (err == 0)
		return unlinkat(tree->root, paths->claimed, 0) < 0 ? -errno : 0;
	/* Else it stays where it is, and is told by list and check. */
	claim_move_into_gap(tree, paths->claimed, paths->armed);
	return err;
}

int cancel_prepare(const struct tree *tree)
{
	static const char *const needed[] = {
		ONCE_LOCK, CLAIMED_DIR, SERVED_DIR};
	struct stat once;

	if (fstatat(tree->root, ONCE_DIR, &once, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Root's is nobody's: whom the responder runs as can't be told. */
	if (once.st_uid == geteuid() && geteuid() != 0)
		return claims_prepare(tree);
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		if (faccessat(tree->root, needed[i], F_OK, 0) < 0)
			return -errno;
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
	once_unlock(lock);
	return err;
}
