/* SPDX-License-Identifier: MIT */
#include "forecast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claim.h"
#include "tree.h"

/* 0, or errno; what is not there is made when it is needed. */
static int may(const struct tree *tree, const char *path, int mode)
{
	if (faccessat(tree->root, path, mode, AT_EACCESS) == 0)
		return 0;
	return errno == ENOENT ? 0 : errno;
}

/* A sticky directory lets only the owners move a link: unlink(2). */
static int may_move(const struct tree *tree, const char *client)
{
	const uid_t user = geteuid();
	struct stat directory, link;
	char path[64];

	snprintf(path, sizeof path, ONCE_DIR "/%s", client);
	if (fstatat(tree->root, ONCE_DIR, &directory, 0) < 0 ||
		fstatat(tree->root, path, &link, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (directory.st_mode & S_ISVTX) && user != 0 &&
	                       directory.st_uid != user && link.st_uid != user
	               ? EPERM
	               : 0;
}

/* A lock is opened for writing, and no link to it is followed. */
static int may_lock(const struct tree *tree)
{
	struct stat st;

	if (fstatat(tree->root, ONCE_LOCK, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : errno;
	if (S_ISLNK(st.st_mode))
		return ELOOP;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return may(tree, ONCE_LOCK, R_OK | W_OK);
}

/* A rename goes into a directory of the same file system. */
static int may_move_to(const struct tree *tree, const char *path)
{
	struct stat once, st;

	if (fstatat(tree->root, path, &st, 0) < 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	const int error = may(tree, path, W_OK | X_OK);
	if (error != 0)
		return error;
	return fstatat(tree->root, ONCE_DIR, &once, 0) == 0 &&
	                       once.st_dev != st.st_dev
	               ? EXDEV
	               : 0;
}

int forecast_directories(const struct tree *tree, const char **where)
{
	/* In the order of claim_take(). */
	int error = may_lock(tree);

	*where = ONCE_LOCK;
	if (error == 0) {
		*where = ONCE_DIR;
		error = may(tree, ONCE_DIR, R_OK | W_OK | X_OK);
	}
	if (error == 0) {
		*where = CLAIMED_DIR;
		error = may_move_to(tree, CLAIMED_DIR);
	}
	return error;
}

int forecast_served(const struct tree *tree)
{
	return may_move_to(tree, SERVED_DIR);
}

int forecast_claim(const struct tree *tree, const char *client)
{
	const char *where;
	const int error = forecast_directories(tree, &where);

	return error == 0 ? may_move(tree, client) : error;
}
