/* SPDX-License-Identifier: MIT */
/*
 * Takes an armed link away, into once/.cancelled/, and finds the link that a
 * machine had last, to arm it again.
 */
#include "ctl/cancelled.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/moment.h"
#include "boot/once.h"
#include "boot/once_lock.h"
#include "boot/tree.h"
#include "ctl/arm.h"
#include "ctl/ctl.h"

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

/* The newest link so far. */
struct search {
	const struct tree *tree;
	struct stat st;
	struct rearmable *out; /* empty path: none yet */
	int error;
};

static void try_path(struct search *search, const char *path)
{
	struct rearmable *out = search->out;
	struct stat st;

	if (fstatat(search->tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			search->error = -errno;
		return;
	}
	if (!S_ISLNK(st.st_mode) ||
		(out->path[0] != '\0' &&
			!moment_is_after(&st.st_mtim, &search->st.st_mtim)))
		return;
	search->st = st;
	snprintf(out->path, sizeof out->path, "%s", path);
}

/* What a user has cancelled, if it is he who put that name there. */
static void try_cancelled(struct search *search, const char *client, uid_t user)
{
	char path[CANCEL_NAME_SIZE];
	struct stat st;

	cancel_path(client, user, path);
	if (fstatat(search->tree->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_uid == user)
		try_path(search, path);
}

static void search_parts(struct search *search, const char *client, uid_t owner)
{
	int err = once_part_check(search->tree, SERVED_DIR);

	if (err == 0) {
		char served[96];
		snprintf(served, sizeof served, SERVED_DIR "/%s", client);
		try_path(search, served);
	} else if (err != -ENOENT) {
		search->error = err;
	}
	err = once_part_check(search->tree, CANCELLED_DIR);
	if (err == 0) {
		try_cancelled(search, client, 0);
		try_cancelled(search, client, owner);
		try_cancelled(search, client, geteuid());
	} else if (err != -ENOENT) {
		search->error = err;
	}
}

int rearm_find(const struct ctl *ctl, const char *client, struct rearmable *out)
{
	struct search search = {.tree = &ctl->tree, .out = out};
	const uid_t user = geteuid();
	struct stat once;

	*out = (struct rearmable){.path = ""};
	if (fstatat(ctl->tree.root, ONCE_DIR, &once, 0) < 0)
		return -errno;
	search_parts(&search, client, once.st_uid);
	if (search.error < 0)
		return search.error;
	if (out->path[0] == '\0')
		return -ENOENT;
	const ssize_t n = readlinkat(
		ctl->tree.root, out->path, out->text, sizeof out->text - 1);
	if (n < 0)
		return -errno;
	out->text[n] = '\0';
	out->owner = search.st.st_uid;
	/* Who owns once/ may arm in anybody's place, and so may root. */
	const bool may_any = user == 0 || user == once.st_uid ||
	                     (once.st_mode & S_ISVTX) == 0;
	return may_any || out->owner == user || out->owner == 0 ||
	                       out->owner == once.st_uid
	               ? 0
	               : -EPERM;
}
