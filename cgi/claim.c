/* SPDX-License-Identifier: MIT */
#include "claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "once_lock.h"
#include "tree.h"

static int move(const struct tree *tree, const char *from, const char *to)
{
	return renameat(tree->root, from, tree->root, to) < 0 ? -errno : 0;
}

static int make_directory(const struct tree *tree, const char *path)
{
	return mkdirat(tree->root, path, 0777) < 0 ? -errno : 0;
}

static int read_link(
	const struct tree *tree, const char *path, char text[static PATH_MAX])
{
	ssize_t n = readlinkat(tree->root, path, text, PATH_MAX);
	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	text[n] = '\0';
	return 0;
}

/* A name that no other claim has, here or on another machine. */
static int name_claim(const char *client, struct claim *out)
{
	uint64_t unique;
	if (getrandom(&unique, sizeof unique, 0) != (ssize_t)sizeof unique)
		return -EIO;

	snprintf(out->armed, sizeof out->armed, ONCE_DIR "/%s", client);
	snprintf(out->served, sizeof out->served, SERVED_DIR "/%s", client);
	snprintf(out->path, sizeof out->path, CLAIMED_DIR "/%s.%016" PRIx64,
		client, unique);
	return 0;
}

static int move_locked(
	const struct tree *tree, const char *text, struct claim *claim)
{
	int lock = once_lock(tree);
	if (lock < 0)
		return lock;

	/* One that was armed anew must be looked at before it moves. */
	int err = read_link(tree, claim->armed, claim->text);
	if (err == 0 && strcmp(claim->text, text) != 0)
		err = -ENOENT;
	if (err < 0) {
		once_unlock(lock);
		return err == -EINVAL ? -ENOENT : err;
	}
	err = move(tree, claim->armed, claim->path);
	/* The link is gone, or the directory was never made. */
	if (err == -ENOENT) {
		int made = make_directory(tree, CLAIMED_DIR);
		if (made == 0)
			err = move(tree, claim->armed, claim->path);
		else if (made != -EEXIST)
			err = made;
	}
	once_unlock(lock);
	return err;
}

/*
 * Notes the time of the claim, which PXESRV_ONCE_GRACE counts from, and which
 * tells the older of two claims.
 */
static void stamp(const struct tree *tree, struct claim *claim)
{
	clock_gettime(CLOCK_REALTIME, &claim->time);

	const struct timespec times[2] = {claim->time, claim->time};
	/* Without it there is only no grace. */
	utimensat(tree->root, claim->path, times, AT_SYMLINK_NOFOLLOW);
}

/* Whether the link at path was claimed after this one. */
static bool is_later(
	const struct tree *tree, const char *path, const struct claim *claim)
{
	struct stat st;

	if (fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return st.st_mtim.tv_sec > claim->time.tv_sec ||
	       (st.st_mtim.tv_sec == claim->time.tv_sec &&
		       st.st_mtim.tv_nsec > claim->time.tv_nsec);
}

int claim_take(const struct tree *tree, const char *client, const char *text,
	struct claim *out)
{
	int err = name_claim(client, out);
	if (err == 0)
		err = move_locked(tree, text, out);
	if (err < 0)
		return err;

	stamp(tree, out);
	err = read_link(tree, out->path, out->text);
	if (err == 0)
		return 0;
	/* EINVAL: a file came in the link's place; not ours. */
	int back = claim_return(tree, out);
	if (back == -EEXIST)
		back = claim_served(tree, out);
	if (back < 0)
		return back;
	return err == -EINVAL ? -ENOENT : err;
}

static int discard(const struct tree *tree, const struct claim *claim)
{
	return unlinkat(tree->root, claim->path, 0) < 0 ? -errno : 0;
}

int claim_served(const struct tree *tree, const struct claim *claim)
{
	if (is_later(tree, claim->served, claim))
		return discard(tree, claim);

	int err = move(tree, claim->path, claim->served);
	if (err == -ENOENT) {
		int made = make_directory(tree, SERVED_DIR);
		if (made < 0 && made != -EEXIST)
			return made;
		err = move(tree, claim->path, claim->served);
	}
	if (err == -ENOSPC || err == -EDQUOT) {
		int removed = discard(tree, claim);
		if (removed < 0)
			return removed;
	}
	return err;
}

/* Moves without ever taking the place of something. */
static int move_into_gap(
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

bool claim_is_of(const char *name, const char *client)
{
	const char *dot = strrchr(name, '.');
	size_t length = strlen(client);

	return dot != NULL && (size_t)(dot - name) == length &&
	       strncmp(name, client, length) == 0;
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

	if (claim_is_of(name, claim->armed + strlen(ONCE_DIR "/")) &&
		snprintf(path, sizeof path, CLAIMED_DIR "/%s", name) <
			(int)sizeof path &&
		is_later(overtaking->tree, path, claim))
		overtaking->found = true;
}

/* Whether the client was armed again and that link was claimed, too. */
static bool is_overtaken(const struct tree *tree, const struct claim *claim)
{
	struct overtaking overtaking = {.tree = tree, .claim = claim};

	claim_each(tree, look_if_later, &overtaking);
	return overtaking.found || is_later(tree, claim->served, claim);
}

int claim_return(const struct tree *tree, const struct claim *claim)
{
	/* No claim shall come between; without it, the link matters more. */
	int lock = once_lock(tree);
	int err = is_overtaken(tree, claim)
	                  ? -EEXIST
	                  : move_into_gap(tree, claim->path, claim->armed);

	if (lock >= 0)
		once_unlock(lock);
	return err;
}

int claim_prepare(const struct tree *tree)
{
	int lock = once_lock(tree);
	if (lock == -ENOENT) /* no once/: nobody is armed */
		return 0;
	if (lock < 0)
		return lock;
	once_unlock(lock);

	int err = make_directory(tree, CLAIMED_DIR);
	if (err == 0 || err == -EEXIST)
		err = make_directory(tree, SERVED_DIR);
	return err == -EEXIST ? 0 : err;
}

int claim_each(const struct tree *tree,
	void (*found)(const char *name, void *context), void *context)
{
	int fd = openat(
		tree->root, CLAIMED_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	DIR *directory = fdopendir(fd);
	if (directory == NULL) {
		int err = -errno;
		close(fd);
		return err;
	}

	const struct dirent *entry;
	errno = 0;
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			found(entry->d_name, context);
		errno = 0;
	}
	int err = -errno;
	closedir(directory);
	return err;
}
