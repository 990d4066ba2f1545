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

int forecast_claim(const struct tree *tree, const char *client)
{
	/* In the order of claim_take(). */
	int error = may(tree, ONCE_LOCK, R_OK | W_OK);

	if (error == 0)
		error = may(tree, ONCE_DIR, W_OK | X_OK);
	if (error == 0)
		error = may(tree, CLAIMED_DIR, W_OK | X_OK);
	return error == 0 ? may_move(tree, client) : error;
}
