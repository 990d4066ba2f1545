/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl cancel: moves once links to once/.cancelled/. Holds the lock of
 * claims, so that a link is either cancelled or served. Removes links in
 * until/.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/once.h"
#include "boot/once_lock.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/arm.h"
#include "ctl/as_user.h"
#include "ctl/change.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/forecast.h"
#include "ctl/print.h"

#define CANCEL_NOT_KEPT 1

struct cancel_paths {
	char armed[ENTRY_CANCELLED_SIZE], taken[ENTRY_CANCELLED_SIZE];
	char made[ENTRY_CANCELLED_SIZE], cancelled[ENTRY_CANCELLED_SIZE];
};

static int name_cancel_paths(const char *client, struct cancel_paths *out)
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
	entry_cancelled_path(client, geteuid(), out->cancelled);
	return 0;
}

static int rename_link(
	const struct tree *tree, const char *from, const char *to)
{
	return renameat(tree->root, from, tree->root, to) < 0 ? -errno : 0;
}

/* Whether something of another user is there, which we may not replace. */
static bool is_in_the_way(int err)
{
	return err == -EISDIR || err == -EPERM || err == -EACCES;
}

/*
 * Makes a new link instead of moving the old one, which may belong to the user
 * whose entry is cancelled. Returns 0, CANCEL_NOT_KEPT or -errno.
 */
static int make_cancelled(const struct tree *tree,
	const struct cancel_paths *paths, const char *text)
{
	int err = once_part_check(tree, CANCELLED_DIR);

	if (err < 0)
		return err;
	if (symlinkat(text, tree->root, paths->made) < 0)
		return -errno;
	err = rename_link(tree, paths->made, paths->cancelled);
	if (err < 0)
		unlinkat(tree->root, paths->made, 0);
	/* No error, or the other user could keep a machine armed. */
	return is_in_the_way(err) ? CANCEL_NOT_KEPT : err;
}

static int cancel_locked(const struct tree *tree,
	const struct cancel_paths *paths, char text[static PATH_MAX])
{
	/* Don't move a file, not even for a moment. */
	tree_look_up_anew(tree, paths->armed);
	int err = tree_read_link(tree, paths->armed, text);
	if (err < 0)
		return err;

	/* After the rename, nobody else can take this link. */
	err = rename_link(tree, paths->armed, paths->taken);
	if (err < 0)
		return err;
	tree_look_up_anew(tree, paths->taken);
	err = tree_read_link(tree, paths->taken, text);
	if (err == 0)
		err = make_cancelled(tree, paths, text);
	if (err >= 0)
		return unlinkat(tree->root, paths->taken, 0) < 0 ? -errno : err;
	/* On failure the link stays at taken, and check reports it. */
	tree_move(tree, paths->taken, paths->armed);
	return err;
}

static int prepare_cancel(const struct tree *tree)
{
	static const char *const needed[] = {ONCE_LOCK, CANCELLED_DIR};
	struct stat once;

	if (fstatat(tree->root, ONCE_DIR, &once, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	/*
	 * If root owns once/, we can't tell which user the responder runs as.
	 */
	if (once.st_uid == geteuid() && geteuid() != 0)
		return once_parts_make_locked(tree);
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		const int err = once_part_check(tree, needed[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static int cancel_link(
	const struct tree *tree, const char *client, char text[static PATH_MAX])
{
	struct cancel_paths paths = {.armed = ""};
	int err = name_cancel_paths(client, &paths);

	if (err < 0)
		return err;
	const int lock = once_lock(tree);
	if (lock < 0)
		return lock;
	err = cancel_locked(tree, &paths, text);
	once_unlock(tree, lock);
	return err;
}

/* text: of the link; "" if it was not read, and so not moved either. */
static bool warn_not_cancelled(
	const struct ctl *ctl, int err, const char *entry, const char *text)
{
	char holder[256];

	switch (err) {
	case -ENOENT:
		warnx("%s: not armed", entry);
		break;
	case -EINVAL:
		warnx("%s: a file, not a link; the responder ignores it, and it was left alone",
			entry);
		break;
	case -EAGAIN:
		forecast_lock_holder(&ctl->tree, holder, sizeof holder);
		warnx("%s: not cancelled: once/.lock is held by %s", entry,
			holder);
		break;
	default:
		if (text[0] == '\0' || faccessat(ctl->tree.root, entry, F_OK,
					       AT_SYMLINK_NOFOLLOW) == 0)
			change_print_error(ctl, ONCE_DIR, entry, -err);
		else
			warnx("%s: removed from once/, but not moved to once/.cancelled/: %s; run pxesrvctl check to find it",
				entry, strerror(-err));
	}
	return false;
}

static void print_removal(const struct ctl *ctl, const char *directory,
	const char *client, const char *text)
{
	change_print(ctl, &(struct change){.directory = directory,
				  .client = client,
				  .before = text,
				  .is_removal = true});
}

static bool cancel_once(struct ctl *ctl, const char *client)
{
	char text[PATH_MAX] = "", entry[ENTRY_PATH_SIZE];

	/* New files of cancel_link() must belong to the responder's user. */
	snprintf(entry, sizeof entry, ONCE_DIR "/%s", client);
	as_user_begin(ctl);
	const int err = ctl->dry_run ? tree_read_link(&ctl->tree, entry, text)
	                             : cancel_link(&ctl->tree, client, text);
	as_user_end();
	if (err == -ENOENT && change_missing_ok(ctl, ONCE_DIR, client))
		return true;
	if (err < 0)
		return warn_not_cancelled(ctl, err, entry, text);
	print_removal(ctl, ONCE_DIR, client, text);
	if (err == CANCEL_NOT_KEPT)
		warnx("%s: cancelled, but rearm cannot restore it: another user has made something in its place in once/.cancelled/",
			entry);
	return true;
}

/* Removes a link in until/. It moves nowhere, so no lock is needed. */
static bool cancel_until(struct ctl *ctl, const char *client)
{
	char text[PATH_MAX], entry[ENTRY_PATH_SIZE];

	snprintf(entry, sizeof entry, UNTIL_DIR "/%s", client);
	as_user_begin(ctl);
	int err = tree_read_link(&ctl->tree, entry, text);
	if (err == 0 && !ctl->dry_run && unlinkat(ctl->tree.root, entry, 0) < 0)
		err = -errno;
	as_user_end();
	if (err < 0)
		return change_print_error(ctl, UNTIL_DIR, entry, -err);
	print_removal(ctl, UNTIL_DIR, client, text);
	return true;
}

static bool is_there(
	const struct ctl *ctl, const char *directory, const char *client)
{
	char entry[ENTRY_PATH_SIZE];

	snprintf(entry, sizeof entry, "%s/%s", directory, client);
	return faccessat(ctl->tree.root, entry, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool cancel_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	bool done = true;

	(void)context;
	if (is_there(ctl, UNTIL_DIR, client->key)) {
		done = cancel_until(ctl, client->key);
		if (!is_there(ctl, ONCE_DIR, client->key))
			return done;
	}
	return cancel_once(ctl, client->key) && done;
}

bool cmd_cancel(struct ctl *ctl, int count, char *const operands[])
{
	static const char *const directories[] = {ONCE_DIR, UNTIL_DIR, NULL};

	as_user_begin(ctl);
	const int err = ctl->dry_run ? 0 : prepare_cancel(&ctl->tree);
	as_user_end();
	if (err == 0)
		return clients_each_entry(
			ctl, directories, count, operands, cancel_client, NULL);
	if (err == -ENOENT)
		warnx("%s/once: the responder has never run on this tree, and only its user (-u) may create .lock and .cancelled",
			ctl->root);
	else
		warn_not_cancelled(ctl, err, ONCE_DIR, "");
	return false;
}
