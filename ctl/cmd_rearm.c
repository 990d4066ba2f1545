/* SPDX-License-Identifier: MIT */
/* pxesrvctl rearm: arms again what was last served or cancelled. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/moment.h"
#include "boot/once.h"
#include "boot/reason.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/arm.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/print.h"

/* The link to arm again for a client. */
struct rearmable {
	char path[ENTRY_CANCELLED_SIZE]; /* relative to the root; empty: none */
	char text[PATH_MAX];             /* of the link, relative to once/ */
	uid_t owner;                     /* who armed or cancelled the link */
};

struct rearm_search {
	const struct tree *tree;
	struct stat st;
	struct rearmable *out; /* newest so far; empty path: none */
	int error;
};

static void consider_link(struct rearm_search *search, const char *path)
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

/*
 * Considers a link cancelled by user only if user owns it: everybody who may
 * arm can create any name in once/.cancelled/.
 */
static void consider_cancelled(
	struct rearm_search *search, const char *client, uid_t user)
{
	char path[ENTRY_CANCELLED_SIZE];
	struct stat st;

	entry_cancelled_path(client, user, path);
	if (fstatat(search->tree->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_uid == user)
		consider_link(search, path);
}

static void search_links(
	struct rearm_search *search, const char *client, uid_t owner)
{
	int err = once_part_check(search->tree, SERVED_DIR);

	if (err == 0) {
		char served[ENTRY_PATH_SIZE];
		snprintf(served, sizeof served, SERVED_DIR "/%s", client);
		consider_link(search, served);
	} else if (err != -ENOENT) {
		search->error = err;
	}
	err = once_part_check(search->tree, CANCELLED_DIR);
	if (err == 0) {
		consider_cancelled(search, client, 0);
		consider_cancelled(search, client, owner);
		consider_cancelled(search, client, geteuid());
	} else if (err != -ENOENT) {
		search->error = err;
	}
}

static int find_rearmable(
	const struct ctl *ctl, const char *client, struct rearmable *out)
{
	struct rearm_search search = {.tree = &ctl->tree, .out = out};
	const uid_t user = geteuid();
	struct stat once;

	*out = (struct rearmable){.path = ""};
	if (fstatat(ctl->tree.root, ONCE_DIR, &once, 0) < 0)
		return -errno;
	search_links(&search, client, once.st_uid);
	if (search.error < 0)
		return search.error;
	if (out->path[0] == '\0')
		return -ENOENT;
	const int err = tree_read_link(&ctl->tree, out->path, out->text);
	if (err < 0)
		return err;
	out->owner = search.st.st_uid;
	/* In a sticky once/, only root and its owner may rearm any link. */
	const bool may_any = user == 0 || user == once.st_uid ||
	                     (once.st_mode & S_ISVTX) == 0;
	return may_any || out->owner == user || out->owner == 0 ||
	                       out->owner == once.st_uid
	               ? 0
	               : -EPERM;
}

/* Don't arm another user's choice; say how to choose it. */
static bool warn_armed_by_others(
	const char *client, const struct rearmable *rearmable)
{
	const struct passwd *owner = getpwuid(rearmable->owner);
	const char *target = rearmable->text;
	char number[32], shown[PATH_MAX];

	snprintf(number, sizeof number, "user %lu",
		(unsigned long)rearmable->owner);
	/* once/.. is the root. */
	escape_line(strncmp(target, "../", 3) == 0 ? target + 3 : target, shown,
		sizeof shown);
	warnx("%s: armed by %s; to arm it yourself: pxesrvctl once %s %s",
		rearmable->path, owner == NULL ? number : owner->pw_name,
		client, shown);
	return false;
}

/* Puts back the link that a machine was done with. False, with a message. */
static bool rearm_until(struct ctl *ctl, const struct client *client,
	const char *done, const char *text)
{
	struct arm arm;

	if (!arm_open(ctl, UNTIL_DIR, false, &arm))
		return false;
	const int err = arm_set_text(&arm, done, text);
	const bool is_armed =
		err < 0 ? print_error(done, "%s", reason_text(-err))
			: arm_client(&arm, client);
	arm_close(&arm);
	return is_armed;
}

/* Arms a client that was never served from once/. False, with a message. */
static bool rearm_unserved(struct ctl *ctl, const struct client *client)
{
	char path[ENTRY_PATH_SIZE], text[PATH_MAX];

	snprintf(path, sizeof path, DONE_DIR "/%s", client->key);
	if (tree_read_link(&ctl->tree, path, text) == 0)
		return rearm_until(ctl, client, path, text);
	snprintf(path, sizeof path, SERVED_DIR "/%s", client->key);
	return print_error(path,
		"nothing was served to this client, or the link was removed");
}

static bool rearm_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	struct arm *arm = context;
	struct rearmable rearmable;
	char path[ENTRY_PATH_SIZE];

	int err = find_rearmable(ctl, client->key, &rearmable);
	snprintf(path, sizeof path, SERVED_DIR "/%s", client->key);
	if (err == -EPERM && rearmable.path[0] != '\0')
		return warn_armed_by_others(client->key, &rearmable);
	if (err == -ENOENT)
		return rearm_unserved(ctl, client);
	if (err < 0)
		return print_error(path, "%s", strerror(-err));
	err = arm_set_text(arm, rearmable.path, rearmable.text);
	if (err < 0)
		return print_error(rearmable.path, "%s", reason_text(-err));
	return arm_client(arm, client);
}

bool cmd_rearm(struct ctl *ctl, int count, char *const operands[])
{
	struct arm arm;

	if (!arm_open(ctl, ONCE_DIR, false, &arm))
		return false;
	const bool done =
		clients_each(ctl, count, operands, rearm_client, &arm);
	arm_close(&arm);
	return done;
}
