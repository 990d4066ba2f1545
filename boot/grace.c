/* SPDX-License-Identifier: MIT */
/*
 * PXESRV_ONCE_GRACE: a machine that asks again soon after its claim gets the
 * same boot file. A link's modification time is the time of its claim.
 */
#include "boot/grace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/moment.h"
#include "boot/once_lock.h"
#include "boot/tree.h"

/* A link moves once or twice, so no race explains more retries. */
#define SEARCHES_MAX 10

/* The newest link so far that was claimed from since to until. */
struct newest {
	const struct tree *tree;
	struct timespec since, until;
	char path[CLAIM_PATH_SIZE]; /* empty: none found */
	int error; /* 0, or -errno: a link could not be examined */
};

static void keep_newest(struct newest *newest, const char *path)
{
	struct stat st;

	if (fstatat(newest->tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			newest->error = -errno;
		return;
	}
	/*
	 * Not st_ctim, which a chown(1) of the tree would renew. A time far
	 * ahead is from before somebody set the clock.
	 */
	if (moment_is_after(&newest->since, &st.st_mtim) ||
		moment_is_after(&st.st_mtim, &newest->until))
		return;
	newest->since = st.st_mtim;
	snprintf(newest->path, sizeof newest->path, "%s", path);
}

static void keep_newest_claim(const char *path, void *context)
{
	keep_newest(context, path);
}

/* As grace_recent(); -ESTALE if the link moved after it was found. */
static int find_recent(const struct tree *tree, const char *client,
	unsigned grace, char path[static CLAIM_PATH_SIZE],
	char text[static PATH_MAX])
{
	struct newest newest = {.tree = tree};
	char served[ENTRY_PATH_SIZE];

	clock_gettime(CLOCK_REALTIME, &newest.since);
	newest.until = newest.since;
	newest.until.tv_sec += grace;
	newest.since.tv_sec -= grace;

	int err = claim_each(tree, client, keep_newest_claim, &newest);
	if (err < 0)
		return err;
	/* Links move from .claimed to .served, so look in .served second. */
	snprintf(served, sizeof served, SERVED_DIR "/%s", client);
	err = once_part_check_or_replace(tree, SERVED_DIR);
	tree_look_up_anew(tree, served);
	if (err == 0)
		keep_newest(&newest, served);
	else if (err != -ENOENT)
		return err;

	if (newest.error < 0)
		return newest.error;
	if (newest.path[0] == '\0')
		return 0;
	err = tree_read_link(tree, newest.path, text);
	if (err < 0)
		/* rare: the claim has moved on */
		return err == -ENOENT || err == -EINVAL ? -ESTALE : err;
	strcpy(path, newest.path);
	return 1;
}

int grace_recent(const struct tree *tree, const char *client, unsigned grace,
	char path[static CLAIM_PATH_SIZE], char text[static PATH_MAX])
{
	int found = -ESTALE;

	for (int i = 0; found == -ESTALE && i < SEARCHES_MAX; i++)
		found = find_recent(tree, client, grace, path, text);
	return found;
}

int grace_retire_claim(
	const struct tree *tree, const char *client, const char *path)
{
	struct claim claim = {.armed = ""};

	claim_at(client, path, &claim);
	if (strcmp(path, claim.served) == 0)
		return 0;
	/* Take the lock: claim_put_back() may move a link in two steps. */
	int lock = once_lock(tree);
	if (lock < 0)
		return lock; /* rare: it waits too long */
	struct stat st;
	int err = fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0
	                  ? -errno /* rare: the claim has moved on */
	                  : claim_served(tree, &claim);
	once_unlock(tree, lock);
	return err;
}
