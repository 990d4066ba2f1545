/* SPDX-License-Identifier: MIT */
/*
 * The kernel is asked where this process has the eyes of the responder's user.
 * Else the mode tells what is certain: with an access control list its group
 * bits are the most that the list gives to anybody.
 */
#include "ctl/permission.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/user.h"
#include "ctl/ctl.h"
#include "ctl/responder.h"

/*
 * Nobody but the owner of once/ can move all links when it is sticky, or when
 * only the owner may write there.
 */
static void find_user(const struct ctl *ctl, struct prospect *prospect)
{
	const struct responder *responder = responder_of(ctl);

	if (ctl->user != NULL) {
		prospect->is_known = user_parse(ctl->user, &prospect->user);
	} else if (responder != NULL) {
		prospect->user = responder->user;
		prospect->is_known = true;
	} else {
		prospect->user = prospect->once.st_uid;
		prospect->is_known = prospect->user != 0 &&
		                     ((prospect->once.st_mode & S_ISVTX) ||
					     !(prospect->once.st_mode &
						     (S_IWGRP | S_IWOTH)));
	}
}

bool prospect_open(const struct ctl *ctl, struct prospect *out)
{
	const struct responder *responder = responder_of(ctl);

	*out = (struct prospect){.tree = ctl->tree};
	if (responder != NULL) {
		out->pid = responder->pid;
		if (responder->root >= 0)
			out->tree.root = responder->root;
	}
	if (fstatat(out->tree.root, ONCE_DIR, &out->once, 0) < 0)
		return false;
	find_user(ctl, out);
	return true;
}

bool prospect_has_its_eyes(const struct prospect *prospect)
{
	return prospect->is_known && geteuid() == prospect->user;
}

bool prospect_is_sticky(const struct prospect *prospect)
{
	return (prospect->once.st_mode & S_ISVTX) != 0;
}

/* Whether the mode keeps everybody out who could be the responder. */
static int may_by_mode(
	const struct prospect *prospect, const struct stat *st, unsigned mode)
{
	const bool owner_may = (st->st_mode >> 6 & mode) == mode;

	if (prospect->is_known &&
		(prospect->user == 0 || prospect->user == st->st_uid))
		return prospect->user == 0 || owner_may ? 0 : EACCES;
	if (!prospect->is_known && st->st_uid != 0 && owner_may)
		return 0;
	return (st->st_mode >> 3 & mode) == mode || (st->st_mode & mode) == mode
	               ? 0
	               : EACCES;
}

/* 0, or errno; what goes meanwhile is made when it is needed. */
static int may(const struct prospect *prospect, const char *path, int mode)
{
	struct stat st;
	const int error =
		faccessat(prospect->tree.root, path, mode, AT_EACCESS) == 0
			? 0
			: errno;

	if (error == ENOENT)
		return 0;
	if (error == EROFS || prospect_has_its_eyes(prospect))
		return error;
	return fstatat(prospect->tree.root, path, &st, 0) < 0
	               ? 0
	               : may_by_mode(prospect, &st, (unsigned)mode);
}

bool prospect_owns_once(const struct prospect *prospect)
{
	return prospect->is_known &&
	       (prospect->user == 0 || prospect->user == prospect->once.st_uid);
}

int prospect_judge(const struct prospect *prospect, const char *path)
{
	const int err = once_part_check(&prospect->tree, path);
	struct stat st;

	if (once_part_is_other(err)) {
		if (prospect_is_sticky(prospect) &&
			prospect_owns_once(prospect))
			return -ENOENT;
		/* It may be the responder's, of whom nothing is known. */
		return err == -EPERM && !prospect_has_its_eyes(prospect) ? 0
		                                                         : err;
	}
	if (prospect_has_its_eyes(prospect) || err == -ENOENT)
		return err;
	/* It is ours, which the responder does not believe. */
	if (err == 0 && prospect_is_sticky(prospect) &&
		fstatat(prospect->tree.root, path, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		st.st_uid != 0 && st.st_uid != prospect->once.st_uid)
		return -ENOENT;
	return 0;
}

/* It is opened before it is judged. */
static int may_lock(const struct prospect *prospect)
{
	const int err = prospect_judge(prospect, ONCE_LOCK);
	const int error = err == 0 || err == -EPERM
	                          ? may(prospect, ONCE_LOCK, R_OK | W_OK)
	                          : 0;

	if (error != 0)
		return error;
	return err == -ENOENT ? 0 : -err;
}

/* A rename goes into a directory of the same file system. */
static int may_reach(const struct prospect *prospect, const char *path)
{
	struct stat st;
	const int err = prospect_judge(prospect, path);

	if (err < 0)
		return err == -ENOENT ? 0 : -err;
	const int error = may(prospect, path, X_OK);
	if (error != 0)
		return error;
	return fstatat(prospect->tree.root, path, &st, AT_SYMLINK_NOFOLLOW) ==
	                               0 &&
	                       prospect->once.st_dev != st.st_dev
	               ? EXDEV
	               : 0;
}

static int may_fill(const struct prospect *prospect, const char *path)
{
	return prospect_judge(prospect, path) == 0
	               ? may(prospect, path, W_OK | X_OK)
	               : 0;
}

/* A sticky directory lets only the owners move a link: unlink(2). */
static int may_take(const struct prospect *prospect, const char *client)
{
	struct stat link;
	char path[64];

	snprintf(path, sizeof path, ONCE_DIR "/%s", client);
	if (!prospect_is_sticky(prospect) || prospect_owns_once(prospect) ||
		fstatat(prospect->tree.root, path, &link, AT_SYMLINK_NOFOLLOW) <
			0)
		return 0;
	return prospect->is_known ? (link.st_uid == prospect->user ? 0 : EPERM)
	       : link.st_uid == 0 ? EPERM
	                          : 0;
}

/*
 * What keeps it from claiming, in the order of claim_take() and rename(2). No
 * client (NULL): any link.
 */
int prospect_claim(
	const struct prospect *prospect, const char *client, const char **where)
{
	int error = may_lock(prospect);

	*where = ONCE_LOCK;
	if (error == 0) {
		*where = CLAIMED_DIR;
		error = may_reach(prospect, CLAIMED_DIR);
	}
	if (error == 0) {
		*where = ONCE_DIR;
		error = may(prospect, ONCE_DIR, W_OK | X_OK);
	}
	if (error == 0 && client != NULL)
		error = may_take(prospect, client);
	if (error == 0) {
		*where = CLAIMED_DIR;
		error = may_fill(prospect, CLAIMED_DIR);
	}
	return error;
}

int prospect_served(const struct prospect *prospect)
{
	const int error = may_reach(prospect, SERVED_DIR);

	return error == 0 ? may_fill(prospect, SERVED_DIR) : error;
}
