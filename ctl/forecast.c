/* SPDX-License-Identifier: MIT */
#include "forecast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claim.h"
#include "tree.h"

/*
 * Whether this process only looks, for an administrator who is neither the
 * responder's user nor root: in a sticky once/ its rights are other ones.
 */
static bool is_bystander(const struct tree *tree)
{
	struct stat once;

	return getuid() != 0 && fstatat(tree->root, ONCE_DIR, &once, 0) == 0 &&
	       (once.st_mode & S_ISVTX) && once.st_uid != 0 &&
	       once.st_uid != geteuid();
}

/* 0, or errno; what is not there is made when it is needed. */
static int may(const struct tree *tree, const char *path, int mode)
{
	if (is_bystander(tree))
		return 0;
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
	if (is_bystander(tree))
		return 0;
	if (fstatat(tree->root, ONCE_DIR, &directory, 0) < 0 ||
		fstatat(tree->root, path, &link, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (directory.st_mode & S_ISVTX) && user != 0 &&
	                       directory.st_uid != user && link.st_uid != user
	               ? EPERM
	               : 0;
}

/* A lock is opened for writing. */
static int may_lock(const struct tree *tree)
{
	const int err = once_part_forecast(tree, ONCE_LOCK);

	if (err < 0)
		return -err;
	/* Else it is moved aside, and made anew. */
	return once_part_check(tree, ONCE_LOCK) == 0
	               ? may(tree, ONCE_LOCK, R_OK | W_OK)
	               : 0;
}

/* A rename goes into a directory of the same file system. */
static int may_move_to(const struct tree *tree, const char *path)
{
	struct stat once, st;
	const int err = once_part_forecast(tree, path);

	if (err < 0)
		return -err;
	if (once_part_check(tree, path) < 0)
		return 0;
	const int error = may(tree, path, W_OK | X_OK);
	if (error != 0)
		return error;
	return fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	                       fstatat(tree->root, ONCE_DIR, &once, 0) == 0 &&
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
