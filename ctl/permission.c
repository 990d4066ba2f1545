/* SPDX-License-Identifier: MIT */
/*
 * Finds out what the responder may do with once/. With the ids of the
 * responder's user, asks the kernel. Otherwise takes only what is certain from
 * mode bits: with an access control list, the group bits are its maximum.
 */
#include "ctl/permission.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/once.h"
#include "boot/until.h"
#include "boot/user.h"
#include "ctl/ctl.h"
#include "ctl/responder.h"

/*
 * If once/ is sticky, or only its owner can write to it, only the owner can
 * move all links. So the responder should run as the owner.
 */
static void find_responder_user(
	const struct ctl *ctl, struct permission *permission)
{
	const struct responder *responder = responder_of(ctl);

	if (ctl->user != NULL) {
		permission->is_known = user_parse(ctl->user, &permission->user);
	} else if (responder != NULL) {
		permission->user = responder->user;
		permission->is_known = true;
	} else {
		permission->user = permission->once.st_uid;
		permission->is_known = permission->user != 0 &&
		                       ((permission->once.st_mode & S_ISVTX) ||
					       !(permission->once.st_mode &
						       (S_IWGRP | S_IWOTH)));
	}
}

bool permission_open(const struct ctl *ctl, struct permission *out)
{
	const struct responder *responder = responder_of(ctl);

	*out = (struct permission){.tree = ctl->tree};
	if (responder != NULL) {
		out->pid = responder->pid;
		if (responder->root >= 0)
			out->tree.root = responder->root;
	}
	if (fstatat(out->tree.root, ONCE_DIR, &out->once, 0) < 0)
		return false;
	find_responder_user(ctl, out);
	return true;
}

bool permission_runs_as_user(const struct permission *permission)
{
	return permission->is_known && geteuid() == permission->user;
}

bool permission_is_sticky(const struct permission *permission)
{
	return (permission->once.st_mode & S_ISVTX) != 0;
}

/* EACCES if the mode keeps out every possible user of the responder, else 0. */
static int error_by_mode(const struct permission *permission,
	const struct stat *st, unsigned mode)
{
	const bool owner_may = (st->st_mode >> 6 & mode) == mode;

	if (permission->is_known &&
		(permission->user == 0 || permission->user == st->st_uid))
		return permission->user == 0 || owner_may ? 0 : EACCES;
	if (!permission->is_known && st->st_uid != 0 && owner_may)
		return 0;
	return (st->st_mode >> 3 & mode) == mode || (st->st_mode & mode) == mode
	               ? 0
	               : EACCES;
}

/* Returns 0 or an errno. Anything missing can be created later. */
static int access_error(
	const struct permission *permission, const char *path, int mode)
{
	struct stat st;
	const int error =
		faccessat(permission->tree.root, path, mode, AT_EACCESS) == 0
			? 0
			: errno;

	if (error == ENOENT)
		return 0;
	if (error == EROFS || permission_runs_as_user(permission))
		return error;
	return fstatat(permission->tree.root, path, &st, 0) < 0
	               ? 0
	               : error_by_mode(permission, &st, (unsigned)mode);
}

bool permission_owns_once(const struct permission *permission)
{
	return permission->is_known &&
	       (permission->user == 0 ||
		       permission->user == permission->once.st_uid);
}

int permission_check_part(const struct permission *permission, const char *path)
{
	const int err = once_part_check(&permission->tree, path);
	struct stat st;

	if (once_part_is_other(err)) {
		if (permission_is_sticky(permission) &&
			permission_owns_once(permission))
			return -ENOENT;
		/* The responder may own the part: we don't know its user. */
		return err == -EPERM && !permission_runs_as_user(permission)
		               ? 0
		               : err;
	}
	if (permission_runs_as_user(permission) || err == -ENOENT)
		return err;
	/* The part belongs to our user, whom the responder does not trust. */
	if (err == 0 && permission_is_sticky(permission) &&
		fstatat(permission->tree.root, path, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_uid != 0 && st.st_uid != permission->once.st_uid)
		return -ENOENT;
	return 0;
}

/* The responder opens the lock before it checks the owner. */
static int lock_error(const struct permission *permission)
{
	const int err = permission_check_part(permission, ONCE_LOCK);
	const int error =
		err == 0 || err == -EPERM
			? access_error(permission, ONCE_LOCK, R_OK | W_OK)
			: 0;

	if (error != 0)
		return error;
	return err == -ENOENT ? 0 : -err;
}

/* A rename needs both directories on one file system. */
static int reach_error(const struct permission *permission, const char *path)
{
	struct stat st;
	const int err = permission_check_part(permission, path);

	if (err < 0)
		return err == -ENOENT ? 0 : -err;
	const int error = access_error(permission, path, X_OK);
	if (error != 0)
		return error;
	return fstatat(permission->tree.root, path, &st, AT_SYMLINK_NOFOLLOW) ==
	                               0 &&
	                       permission->once.st_dev != st.st_dev
	               ? EXDEV
	               : 0;
}

static int fill_error(const struct permission *permission, const char *path)
{
	return permission_check_part(permission, path) == 0
	               ? access_error(permission, path, W_OK | X_OK)
	               : 0;
}

/* In a sticky directory, only owners can move a link: unlink(2). */
static int take_error(const struct permission *permission, const char *client)
{
	struct stat link;
	char path[ENTRY_PATH_SIZE];

	snprintf(path, sizeof path, ONCE_DIR "/%s", client);
	if (!permission_is_sticky(permission) ||
		permission_owns_once(permission) ||
		fstatat(permission->tree.root, path, &link,
			AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return permission->is_known
	               ? (link.st_uid == permission->user ? 0 : EPERM)
	       : link.st_uid == 0 ? EPERM
	                          : 0;
}

/* Checks in the order of claim_take() and rename(2). */
int permission_claim(const struct permission *permission, const char *client,
	const char **where)
{
	int error = lock_error(permission);

	*where = ONCE_LOCK;
	if (error == 0) {
		*where = CLAIMED_DIR;
		error = reach_error(permission, CLAIMED_DIR);
	}
	if (error == 0) {
		*where = ONCE_DIR;
		error = access_error(permission, ONCE_DIR, W_OK | X_OK);
	}
	if (error == 0 && client != NULL)
		error = take_error(permission, client);
	if (error == 0) {
		*where = CLAIMED_DIR;
		error = fill_error(permission, CLAIMED_DIR);
	}
	return error;
}

int permission_served(const struct permission *permission)
{
	const int error = reach_error(permission, SERVED_DIR);

	return error == 0 ? fill_error(permission, SERVED_DIR) : error;
}

/* Checks in the order of until_finish(). A missing until/.done can be made. */
int permission_done(const struct permission *permission, const char **where)
{
	const int root = permission->tree.root;
	struct stat until, done;

	*where = UNTIL_DIR;
	if (fstatat(root, UNTIL_DIR, &until, 0) < 0)
		return 0;
	const int error = access_error(permission, UNTIL_DIR, W_OK | X_OK);
	if (error != 0)
		return error;
	*where = DONE_DIR;
	if (fstatat(root, DONE_DIR, &done, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISDIR(done.st_mode))
		return ENOTDIR;
	return until.st_dev != done.st_dev
	               ? EXDEV
	               : access_error(permission, DONE_DIR, W_OK | X_OK);
}

bool permission_done_is_limited(
	const struct permission *permission, const char **where)
{
	static const char *const paths[] = {UNTIL_DIR, DONE_DIR};
	struct stat st;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		*where = paths[i];
		if (permission->is_known && permission->user != 0 &&
			fstatat(permission->tree.root, paths[i], &st, 0) == 0 &&
			(st.st_mode & S_ISVTX) && st.st_uid != permission->user)
			return true;
	}
	return false;
}
