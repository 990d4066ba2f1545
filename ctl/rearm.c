/* SPDX-License-Identifier: MIT */
#include "ctl/rearm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/moment.h"
#include "boot/once.h"
#include "ctl/cancel.h"
#include "ctl/ctl.h"

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
