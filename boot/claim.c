/* SPDX-License-Identifier: MIT */
#include "boot/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claims.h"
#include "boot/moment.h"
#include "boot/once_lock.h"
#include "boot/tree.h"
#include "boot/unique.h"

static int move(const struct tree *tree, const char *from, const char *to)
{
	return renameat(tree->root, from, tree->root, to) < 0 ? -errno : 0;
}

void claim_at(const char *client, const char *path, struct claim *out)
{
	snprintf(out->armed, sizeof out->armed, ONCE_DIR "/%s", client);
	snprintf(out->served, sizeof out->served, SERVED_DIR "/%s", client);
	snprintf(out->path, sizeof out->path, "%s", path);
	out->text[0] = '\0';
}

/* By a name that no other claim has, here or on another machine. */
static int name_claim(const char *client, struct claim *out)
{
	char unique[UNIQUE_SIZE], path[CLAIM_PATH_SIZE];
	int err = unique_text(unique);

	if (err < 0)
		return err;
	snprintf(path, sizeof path, CLAIMED_DIR "/%s.%s", client, unique);
	claim_at(client, path, out);
	return 0;
}

/*
 * Notes the time of the claim, which PXESRV_ONCE_GRACE counts from, and which
 * tells the older of two claims. It is the file system's clock, which all who
 * share the tree have in common.
 */
static void stamp(const struct tree *tree, const char *path)
{
	static const struct timespec now[2] = {
		{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

	/* Without it there is only no grace. */
	utimensat(tree->root, path, now, AT_SYMLINK_NOFOLLOW);
}

static bool is_there(const struct tree *tree, const char *path)
{
	struct stat st;

	return fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Moves the link. The directory may never have been made. 0 or -errno. */
static int move_to_claimed(const struct tree *tree, const struct claim *claim)
{
	int err = once_part_check(tree, CLAIMED_DIR);

	if (err < 0)
		err = once_part_make(tree, CLAIMED_DIR);
	if (err < 0)
		return err;
	err = move(tree, claim->armed, claim->path);
	/*
	 * A network's file system may fail in telling, or tell of the second
	 * try alone: nobody else has that name, so what is there was moved.
	 */
	return err < 0 && is_there(tree, claim->path) ? 0 : err;
}

static int move_locked(
	const struct tree *tree, const char *text, struct claim *claim)
{
	int lock = once_lock(tree);
	if (lock < 0)
		return lock;

	/* One that was armed anew must be looked at before it moves. */
	int err = tree_read_link(tree, claim->armed, claim->text);
	if (err == 0 && strcmp(claim->text, text) != 0)
		err = -ENOENT;
	if (err == 0) {
		/* Before, so that a grace finds it at any time. */
		stamp(tree, claim->armed);
		err = move_to_claimed(tree, claim);
	}
	once_unlock(tree, lock);
	return err == -EINVAL ? -ENOENT : err;
}

int claim_take(const struct tree *tree, const char *client, const char *text,
	struct claim *out)
{
	int err = name_claim(client, out);
	if (err == 0)
		err = move_locked(tree, text, out);
	if (err < 0)
		return err;

	err = tree_read_link(tree, out->path, out->text);
	if (err == 0)
		return 0;
	/* EINVAL: a file came in the link's place; not ours. */
	int back = claim_return(tree, out);
	if (back == -EEXIST)
		back = claim_retire(tree, out);
	if (back < 0)
		return back;
	return err == -EINVAL ? -ENOENT : err;
}

static int discard(const struct tree *tree, const struct claim *claim)
{
	return unlinkat(tree->root, claim->path, 0) < 0 ? -errno : 0;
}

/* What is at a path, as seen from a claim of the same client. */
enum other {
	OTHER_NONE_LATER,
	OTHER_LATER, /* a link that was claimed after it */
	OTHER_SAME,  /* another name of the same link: ln(1) made that */
};

/* A time that has not come yet tells nothing: somebody has set the clock. */
static enum other compare(
	const struct tree *tree, const struct claim *claim, const char *path)
{
	struct timespec now;
	struct stat other, own;

	if (fstatat(tree->root, path, &other, AT_SYMLINK_NOFOLLOW) < 0 ||
		fstatat(tree->root, claim->path, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return OTHER_NONE_LATER;
	if (other.st_ino == own.st_ino && other.st_dev == own.st_dev)
		return OTHER_SAME;
	clock_gettime(CLOCK_REALTIME, &now);
	return moment_is_after(&other.st_mtim, &own.st_mtim) &&
	                       !moment_is_after(&other.st_mtim, &now)
	               ? OTHER_LATER
	               : OTHER_NONE_LATER;
}

static enum other compare_served(
	const struct tree *tree, const struct claim *claim)
{
	/* What is not the responder's own tells nothing either. */
	return once_part_check(tree, SERVED_DIR) < 0
	               ? OTHER_NONE_LATER
	               : compare(tree, claim, claim->served);
}

/* Moves the claim into once/.served/. 0 or -errno, as of claim_retire(). */
static int move_to_served(const struct tree *tree, const struct claim *claim)
{
	int err = once_part_check(tree, SERVED_DIR);

	if (err < 0)
		err = once_part_make(tree, SERVED_DIR);
	if (err < 0)
		return err;
	switch (compare(tree, claim, claim->served)) {
	case OTHER_LATER:
		return -EEXIST;
	case OTHER_SAME: /* rename(2) would leave both names */
		return discard(tree, claim);
	default:
		return move(tree, claim->path, claim->served);
	}
}

int claim_retire(const struct tree *tree, const struct claim *claim)
{
	int err = move_to_served(tree, claim);

	/* There is no room for it. */
	if (err == -ENOSPC || err == -EDQUOT) {
		int removed = discard(tree, claim);
		if (removed < 0)
			return removed;
	}
	return err;
}

int claim_served(const struct tree *tree, const struct claim *claim)
{
	int err = claim_retire(tree, claim);

	return err == -EEXIST ? discard(tree, claim) : err;
}

int claim_move_into_gap(
	const struct tree *tree, const char *from, const char *to)
{
	if (renameat2(tree->root, from, tree->root, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;

	/*
	 * NFS knows no RENAME_NOREPLACE. A crash between these two leaves
	 * the link armed, and its claim to be looked at.
	 */
	if (linkat(tree->root, from, tree->root, to, 0) < 0)
		return -errno;
	return unlinkat(tree->root, from, 0) < 0 ? -errno : 0;
}

struct overtaking {
	const struct tree *tree;
	const struct claim *claim;
	bool found;
};

static void look_if_later(const char *name, void *context)
{
	struct overtaking *overtaking = context;
	const struct claim *claim = overtaking->claim;
	char path[CLAIM_PATH_SIZE];

	if (claims_is_of(name, claim->armed + strlen(ONCE_DIR "/")) &&
		snprintf(path, sizeof path, CLAIMED_DIR "/%s", name) <
			(int)sizeof path &&
		compare(overtaking->tree, claim, path) == OTHER_LATER)
		overtaking->found = true;
}

/* Whether the client was armed again and that link was claimed, too. */
static bool is_overtaken(const struct tree *tree, const struct claim *claim)
{
	struct overtaking overtaking = {.tree = tree, .claim = claim};

	claims_each(tree, look_if_later, &overtaking);
	return overtaking.found || compare_served(tree, claim) == OTHER_LATER;
}

int claim_return(const struct tree *tree, const struct claim *claim)
{
	/* No claim shall come between; without it, the link matters more. */
	int lock = once_lock(tree);
	int err =
		is_overtaken(tree, claim)
			? -EEXIST
			: claim_move_into_gap(tree, claim->path, claim->armed);

	if (lock >= 0)
		once_unlock(tree, lock);
	return err;
}
