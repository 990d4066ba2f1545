/* SPDX-License-Identifier: MIT */
/*
 * Claims a once link, so that exactly one answer has it. A link moves by
 * renames alone, so at any moment it has one name:
 *
 *     once/<client>                   armed
 *     once/.claimed/<client>.<suffix> an answer is under way
 *     once/.served/<client>           delivered; a grace may answer it again
 *
 * The rename from the first to the second decides which request has the link.
 * The lock orders the claims of all processes and machines. Whoever arms a
 * client takes no lock: what was moved is read again after the rename. The
 * modification time of a link is the time of its claim, and tells which of two
 * claims of one client is the later one.
 *
 * In a shared tree the kernel may take a name for a link that another machine
 * has moved, while a rename moves the link that is there now. So it asks the
 * server before each of the two reads: before the rename, so that a link that
 * is gone is not tried again and again; and after it, so that the text is that
 * of the link that was moved.
 */
#include "boot/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/file_system.h"
#include "boot/moment.h"
#include "boot/once.h"
#include "boot/once_lock.h"
#include "boot/tree.h"

void claim_at(const char *client, const char *path, struct claim *out)
{
	snprintf(out->armed, sizeof out->armed, ONCE_DIR "/%s", client);
	snprintf(out->served, sizeof out->served, SERVED_DIR "/%s", client);
	snprintf(out->path, sizeof out->path, "%s", path);
}

/* Chooses a name that no other claim has, here or on another machine. */
static int name_claim(const char *client, struct claim *out)
{
	char suffix[ONCE_SUFFIX_SIZE], path[CLAIM_PATH_SIZE];
	int err = once_unique_suffix(suffix);

	if (err < 0)
		return err; /* no test: getrandom fails */
	snprintf(path, sizeof path, CLAIMED_DIR "/%s.%s", client, suffix);
	claim_at(client, path, out);
	return 0;
}

/*
 * Sets the modification time of the link to now, which is the time of the
 * claim. On NFS it is the server's clock, on CephFS this machine's, so servers
 * that share a tree need the same time.
 */
static void stamp_claim_time(const struct tree *tree, const char *path)
{
	static const struct timespec now[2] = {
		{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

	/* If this fails, the answer is not repeated. The claim goes on. */
	utimensat(tree->root, path, now, AT_SYMLINK_NOFOLLOW);
}

/*
 * Whether the link was moved to the claim although rename(2) failed. A
 * network's file system may report a failure although it moved the link, or
 * report only the second try. Nobody else has that name, so what is there was
 * moved. On GlusterFS it may have been moved on one brick that has missed
 * another server's claim, so there the failure counts.
 */
static bool was_moved(const struct tree *tree, const struct claim *claim)
{
	struct stat st;
	const int once = openat(tree->root, ONCE_DIR, O_PATH | O_CLOEXEC);
	const bool is_moved =
		once >= 0 && !file_system_is_fuse(once) &&
		fstatat(tree->root, claim->path, &st, AT_SYMLINK_NOFOLLOW) == 0;

	if (once >= 0)
		close(once);
	return is_moved;
}

/* Renames the armed link to the claim. 0 or -errno. */
static int rename_to_claimed(const struct tree *tree, const struct claim *claim)
{
	int err = once_part_make(tree, CLAIMED_DIR);

	if (err < 0)
		return err;
	if (renameat(tree->root, claim->armed, tree->root, claim->path) == 0)
		return 0;
	err = -errno;
	return was_moved(tree, claim) ? 0 : err;
}

/* Claims the link if it still has that text. 0, -ENOENT or another -errno. */
static int claim_locked(
	const struct tree *tree, const char *text, const struct claim *claim)
{
	char now[PATH_MAX];
	int lock = once_lock(tree);
	if (lock < 0)
		return lock;

	/* A link that was armed anew must be looked at before it moves. */
	tree_look_up_anew(tree, claim->armed);
	int err = tree_read_link(tree, claim->armed, now);
	if (err == 0 && strcmp(now, text) != 0)
		err = -ENOENT; /* rare: armed anew before the lock */
	if (err == 0) {
		/* Before the rename, so that a grace always finds the time. */
		stamp_claim_time(tree, claim->armed);
		err = rename_to_claimed(tree, claim);
	}
	once_unlock(tree, lock);
	return err == -EINVAL ? -ENOENT : err;
}

int claim_take(const struct tree *tree, const char *client,
	char text[static PATH_MAX], struct claim *out)
{
	bool is_overtaken;
	int err = name_claim(client, out);
	if (err == 0)
		err = claim_locked(tree, text, out);
	if (err < 0)
		return err;

	tree_look_up_anew(tree, out->path);
	err = tree_read_link(tree, out->path, text);
	if (err == 0)
		return 0;
	/* rare: EINVAL: a file came in the link's place. It is not ours. */
	const int back = claim_put_back(tree, out, &is_overtaken);
	if (back < 0)
		return back;
	return err == -EINVAL ? -ENOENT : err;
}

static int remove_claim(const struct tree *tree, const struct claim *claim)
{
	return unlinkat(tree->root, claim->path, 0) < 0 ? -errno : 0;
}

/* How another link of the same client compares with a claim. */
enum other {
	OTHER_NONE_LATER,
	OTHER_LATER, /* it was claimed later */
	OTHER_SAME,  /* it is another name of the same link, made by ln(1) */
};

/* Ignores a time in the future: somebody has set the clock back. */
static enum other compare_claim_time(
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

static enum other compare_served_time(
	const struct tree *tree, const struct claim *claim)
{
	/* What somebody else put there counts for nothing. */
	return once_part_check(tree, SERVED_DIR) < 0
	               ? OTHER_NONE_LATER
	               : compare_claim_time(tree, claim, claim->served);
}

/*
 * Renames the claim to once/.served/<client>. 0; -EEXIST when one that was
 * claimed later is there already; or another -errno.
 */
static int rename_to_served(const struct tree *tree, const struct claim *claim)
{
	int err = once_part_make(tree, SERVED_DIR);

	if (err < 0)
		return err;
	tree_look_up_anew(tree, claim->served);
	switch (compare_claim_time(tree, claim, claim->served)) {
	case OTHER_LATER:
		return -EEXIST;
	case OTHER_SAME: /* rename(2) would leave both names */
		return remove_claim(tree, claim);
	default:
		err = renameat(
			tree->root, claim->path, tree->root, claim->served);
		return err < 0 ? -errno : 0;
	}
}

/*
 * The claim is over. As rename_to_served(), but with -ENOSPC or -EDQUOT the
 * claim was removed, since there is no room for it.
 */
static int retire_claim(const struct tree *tree, const struct claim *claim)
{
	int err = rename_to_served(tree, claim);

	if (err == -ENOSPC || err == -EDQUOT) {
		/* rare: a full disk */
		int removed = remove_claim(tree, claim);
		if (removed < 0)
			return removed;
	}
	return err;
}

int claim_served(const struct tree *tree, const struct claim *claim)
{
	int err = retire_claim(tree, claim);

	return err == -EEXIST ? remove_claim(tree, claim) : err;
}

struct overtaking {
	const struct tree *tree;
	const struct claim *claim;
	bool is_found;
};

static void find_later_claim(const char *path, void *context)
{
	struct overtaking *overtaking = context;

	if (compare_claim_time(overtaking->tree, overtaking->claim, path) ==
		OTHER_LATER)
		overtaking->is_found = true;
}

/* Whether the client was armed again and that link was claimed, too. */
static bool is_claimed_again(const struct tree *tree, const struct claim *claim)
{
	struct overtaking overtaking = {.tree = tree, .claim = claim};

	claim_each(tree, claim->armed + strlen(ONCE_DIR "/"), find_later_claim,
		&overtaking);
	return overtaking.is_found ||
	       compare_served_time(tree, claim) == OTHER_LATER;
}

int claim_put_back(
	const struct tree *tree, const struct claim *claim, bool *is_overtaken)
{
	/*
	 * The lock keeps other claims out. Without it, put the link back all
	 * the same: losing it is worse.
	 */
	int lock = once_lock(tree);
	int err = is_claimed_again(tree, claim)
	                  ? -EEXIST
	                  : tree_move(tree, claim->path, claim->armed);

	if (lock >= 0)
		once_unlock(tree, lock);
	*is_overtaken = err == -EEXIST;
	return *is_overtaken ? retire_claim(tree, claim) : err;
}

/* Whether name, in once/.claimed/, is a claim of the client. */
static bool is_claim_of(const char *name, const char *client)
{
	const char *dot = strrchr(name, '.');
	size_t length = strlen(client);

	return dot != NULL && (size_t)(dot - name) == length &&
	       strncmp(name, client, length) == 0;
}

struct claim_search {
	const char *client; /* NULL: any */
	void (*found)(const char *path, void *context);
	void *context;
};

static void find_claim(const char *name, void *context)
{
	const struct claim_search *search = context;
	char path[sizeof CLAIMED_DIR + NAME_MAX + 1];

	if (search->client != NULL && !is_claim_of(name, search->client))
		return;
	snprintf(path, sizeof path, CLAIMED_DIR "/%s", name);
	search->found(path, search->context);
}

int claim_each(const struct tree *tree, const char *client,
	void (*found)(const char *path, void *context), void *context)
{
	struct claim_search search = {client, found, context};
	int err = once_part_check(tree, CLAIMED_DIR);

	/* Something else in its place holds no claims. */
	if (err == -ENOENT || once_part_is_other(err))
		return 0;
	if (err < 0)
		return err;
	return tree_each(tree, CLAIMED_DIR, find_claim, &search);
}
