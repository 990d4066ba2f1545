/* SPDX-License-Identifier: MIT */
/*
 * Makes the entries of machines: links in once/ and static/, for example. A
 * link is made under a temporary name, then renamed, so that a machine that
 * asks meanwhile gets either the old target or the new one.
 */
#include "ctl/arm.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/once.h"
#include "boot/reason.h"
#include "boot/subnet.h"
#include "boot/target.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/as_user.h"
#include "ctl/boot_file.h"
#include "ctl/change.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/print.h"

/* Only a program gone wild arms and cancels that often in between. */
#define TRIES_MAX 100

bool arm_open(const struct ctl *ctl, const char *directory, bool replaces_files,
	struct arm *out)
{
	*out = (struct arm){
		.ctl = ctl,
		.directory = directory,
		.fd = entry_open_directory(ctl, directory),
		.replaces_files = replaces_files,
	};
	return out->fd >= 0 || (ctl->dry_run && out->fd == -ENOENT);
}

void arm_close(const struct arm *arm)
{
	if (arm->fd >= 0)
		close(arm->fd);
}

static void remember_step(const char *path, void *context)
{
	struct arm *arm = context;
	struct stat st;

	if (arm->step_count == ARM_STEPS_MAX ||
		fstatat(arm->ctl->tree.root, path, &st, AT_SYMLINK_NOFOLLOW) <
			0)
		return;
	arm->steps[arm->step_count].device = st.st_dev;
	arm->steps[arm->step_count].inode = st.st_ino;
	arm->step_count++;
}

int arm_set_text(struct arm *arm, const char *what, const char *text)
{
	const struct tree *tree = &arm->ctl->tree;
	struct target target;
	char entry[32], shown[PATH_MAX];
	/* -n has not made the directory: count from the root. */
	const bool is_inside = arm->fd >= 0 || strncmp(text, "../", 3) != 0;

	if (strlen(text) >= sizeof arm->link_text)
		return -ENAMETOOLONG;
	/* Any name in the directory gives the same answer. */
	snprintf(entry, sizeof entry, "%s%sclient",
		is_inside ? arm->directory : "", is_inside ? "/" : "");
	arm->step_count = 0;
	as_user_begin(arm->ctl);
	const int err = target_trace(tree, entry, is_inside ? text : text + 3,
		remember_step, arm, &target);
	as_user_end();
	if (err < 0)
		return err;

	const char *doubt = boot_file_doubt(tree, target.fd);
	escape_line(what, shown, sizeof shown);
	if (doubt != NULL)
		warnx("warning: %s: %s", shown, doubt);
	target_close(tree, &target);
	strcpy(arm->link_text, text);
	return 0;
}

/* Returns the target's path beneath the root, or NULL if it is elsewhere. */
static const char *strip_root(const struct tree *tree, const char *target)
{
	char real[PATH_MAX];
	const char *path = tree_strip(tree, target);

	/* The configured root may be a link, and target the real path. */
	if (path == NULL &&
		tree_absolute_path(tree->root, real, sizeof real) == 0) {
		const struct tree unlinked = {.path = real};
		path = tree_strip(&unlinked, target);
	}
	return path;
}

/* Whether a path beneath the root lies in a directory, in any spelling. */
static bool lies_in(
	const struct tree *tree, const char *path, const char *directory)
{
	char parent[PATH_MAX];
	struct stat is, wanted;
	const size_t length = strlen(directory);
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return false;
	if (strncmp(path, directory, length) == 0 && path[length] == '/')
		return true;
	snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	return fstatat(tree->root, parent, &is, 0) == 0 &&
	       fstatat(tree->root, directory, &wanted, 0) == 0 &&
	       is.st_ino == wanted.st_ino && is.st_dev == wanted.st_dev;
}

bool arm_set_target(struct arm *arm, const char *target)
{
	const struct tree *tree = &arm->ctl->tree;
	const char *path = target[0] == '/' ? strip_root(tree, target) : target;
	char relative[PATH_MAX + 4], absolute[2 * PATH_MAX];

	if (target[0] == '\0' || strcmp(target, "-") == 0)
		return print_error(
			target, "the last argument must be a boot file");
	if (path != NULL && lies_in(tree, path, ONCE_DIR))
		return print_error(target,
			"a once link cannot be a target: it is removed when it is served");
	if (path != NULL && lies_in(tree, path, UNTIL_DIR))
		return print_error(target,
			"a link in until/ cannot be a target: it is removed when its machine is done");
	snprintf(absolute, sizeof absolute, "%s%s%s",
		path == NULL ? "" : tree->path, path == NULL ? "" : "/",
		path == NULL ? target : path);
	snprintf(relative, sizeof relative, "../%s", path == NULL ? "" : path);
	int err = arm_set_text(arm, target, path == NULL ? absolute : relative);
	if (err < 0 && path != NULL && arm_set_text(arm, target, absolute) == 0)
		err = 0;
	if (err == 0)
		return true;
	return print_error(target, "%s", reason_text(-err));
}

/* Whether a client's entry is part of the way to the target. */
static bool target_needs_entry(const struct arm *arm, const char *client)
{
	struct stat st;

	if (fstatat(arm->fd, client, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	for (unsigned i = 0; i < arm->step_count; i++) {
		if (arm->steps[i].device == st.st_dev &&
			arm->steps[i].inode == st.st_ino)
			return true;
	}
	return false;
}

/* Exchanges the new link, at temporary, and the old entry. 0 or -errno. */
static int exchange_entry(const struct arm *arm, const char *temporary,
	const char *client, char before[static PATH_MAX])
{
	/* Don't move a file, not even for a moment. */
	int err = tree_read_link_at(arm->fd, client, before);
	if (err == -EINVAL && !arm->replaces_files)
		return -EEXIST;
	if (renameat2(arm->fd, temporary, arm->fd, client, RENAME_EXCHANGE) < 0)
		return -errno;

	struct stat st;
	before[0] = '\0';
	err = tree_read_link_at(arm->fd, temporary, before);
	if (err == -EINVAL && arm->replaces_files &&
		fstatat(arm->fd, temporary, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		!S_ISDIR(st.st_mode))
		err = 0;
	if (err != -EINVAL)
		return err;
	/*
	 * Something else came there meanwhile: put it back. If the new link has
	 * been claimed already, there is nothing to exchange.
	 */
	if (renameat2(arm->fd, temporary, arm->fd, client, RENAME_EXCHANGE) < 0)
		renameat2(
			arm->fd, temporary, arm->fd, client, RENAME_NOREPLACE);
	return -EEXIST;
}

/* For file systems without RENAME_EXCHANGE, such as NFS. 0 or -errno. */
static int replace_entry(const struct arm *arm, const char *temporary,
	const char *client, char before[static PATH_MAX])
{
	const int err = tree_read_link_at(arm->fd, client, before);

	if (err == -EINVAL && !arm->replaces_files)
		return -EEXIST;
	if (err < 0 && err != -ENOENT && err != -EINVAL)
		return err;
	return renameat(arm->fd, temporary, arm->fd, client) < 0 ? -errno : 0;
}

static int put_entry(const struct arm *arm, const char *temporary,
	const char *client, char before[static PATH_MAX])
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		before[0] = '\0';
		if (renameat2(arm->fd, temporary, arm->fd, client,
			    RENAME_NOREPLACE) == 0)
			return 0;
		if (errno == EINVAL || errno == ENOSYS)
			return replace_entry(arm, temporary, client, before);
		if (errno != EEXIST)
			return -errno;
		const int err = exchange_entry(arm, temporary, client, before);
		/* The old entry was claimed meanwhile: try again. */
		if (err != -ENOENT)
			return err;
	}
	return -EAGAIN;
}

/*
 * Whether the client has the link already. A once link is then as new as if it
 * were made now.
 */
static bool has_same_entry(const struct arm *arm, const char *client)
{
	const time_t expires = (time_t)arm->ctl->once.expires;
	char text[PATH_MAX];
	struct stat st;

	if (tree_read_link_at(arm->fd, client, text) < 0 ||
		strcmp(text, arm->link_text) != 0)
		return false;
	if (strcmp(arm->directory, ONCE_DIR) != 0)
		return true;
	if (fstatat(arm->fd, client, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		(expires > 0 && time(NULL) - st.st_mtim.tv_sec > expires))
		return false;
	/* If it was served meanwhile, make it again. */
	return arm->ctl->dry_run ||
	       utimensat(arm->fd, client, NULL, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

/* As make_entry(), but makes nothing. */
static int foresee_entry(
	const struct arm *arm, const char *client, char before[static PATH_MAX])
{
	struct stat st;

	before[0] = '\0';
	if (arm->fd < 0 ||
		fstatat(arm->fd, client, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return tree_read_link_at(arm->fd, client, before);
	return S_ISDIR(st.st_mode) || !arm->replaces_files ? -EEXIST : 0;
}

/* Makes the client's entry a new link. before gets the old text, or "". */
static int make_entry(
	const struct arm *arm, const char *client, char before[static PATH_MAX])
{
	char suffix[ONCE_SUFFIX_SIZE];
	char temporary[sizeof ARM_TEMPORARY + sizeof suffix];
	struct stat st;

	int err = once_unique_suffix(suffix);
	if (err < 0)
		return err;
	snprintf(temporary, sizeof temporary, ARM_TEMPORARY "%s", suffix);
	if (symlinkat(arm->link_text, arm->fd, temporary) < 0)
		return -errno;
	err = put_entry(arm, temporary, client, before);
	/*
	 * temporary is the replaced link, or the new one. It is a file only if
	 * exchange_entry() could not put the file back.
	 */
	if (err != -EEXIST ||
		(fstatat(arm->fd, temporary, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISLNK(st.st_mode)))
		unlinkat(arm->fd, temporary, 0);
	return err;
}

static bool warn_not_made(const struct arm *arm, const char *client, int err)
{
	char path[ENTRY_PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", arm->directory, client);
	if (err == -EEXIST &&
		fstatat(arm->fd, client, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode))
		warnx("%s: a directory is there; it was left alone", path);
	else if (err == -EEXIST &&
		 (strcmp(arm->directory, STATIC_DIR) == 0 ||
			 strcmp(arm->directory, SUBNET_DIR) == 0))
		warnx("%s: a file is there, not a link; it was left alone (--force replaces it)",
			path);
	else if (err == -EEXIST)
		warnx("%s: a file is there, not a link; it was left alone",
			path);
	else
		change_print_error(arm->ctl, arm->directory, path, -err);
	return false;
}

/* Warns only once of a problem that many clients share. */
static void warn_of_forecast(
	struct arm *arm, const char *client, const struct forecast *forecast)
{
	char path[2 * PATH_MAX];

	if (strcmp(forecast->problem, arm->warned) == 0)
		return;
	strcpy(arm->warned, forecast->problem);
	escape_line(forecast->path, path, sizeof path);
	fflush(stdout);
	warnx("warning: once/%s is armed, but %s: %s; %s", client, path,
		forecast->problem, forecast->advice);
}

/* False, with a message: the responder won't serve the link in once/. */
static bool forecast_entry(struct arm *arm, const char *client)
{
	struct forecast forecast;

	as_user_begin_reading(arm->ctl);
	if (!arm->has_forecast)
		forecast_links(arm->ctl, &arm->links);
	arm->has_forecast = true;
	forecast_link(arm->ctl, &arm->links, client, &forecast);
	as_user_end();
	if (forecast.kind != FORECAST_GOOD)
		warn_of_forecast(arm, client, &forecast);
	return forecast.kind == FORECAST_GOOD ||
	       forecast.kind == FORECAST_MAY_FAIL;
}

bool arm_remove(const struct arm *arm, const char *client)
{
	char text[PATH_MAX] = "", path[ENTRY_PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", arm->directory, client);
	int err = tree_read_link_at(arm->fd, client, text);
	if (err == -EINVAL && !arm->replaces_files) {
		warnx("%s: not a link, so it was left alone (--force removes a file)",
			path);
		return false;
	}
	if (err == -EINVAL)
		err = 0;
	if (arm->fd < 0)
		err = -ENOENT; /* -n: the directory is not there either */
	if (err == 0 && !arm->ctl->dry_run && unlinkat(arm->fd, client, 0) < 0)
		err = -errno;
	if (err == -ENOENT &&
		change_missing_ok(arm->ctl, arm->directory, client))
		return true;
	if (err == -ENOENT)
		return print_error(path, "there is none");
	if (err < 0)
		return change_print_error(arm->ctl, arm->directory, path, -err);
	change_print(arm->ctl, &(struct change){.directory = arm->directory,
				       .client = client,
				       .before = text,
				       .is_removal = true});
	return true;
}

bool arm_client(struct arm *arm, const struct client *client)
{
	const bool is_dry_run = arm->ctl->dry_run;
	char before[PATH_MAX] = "", path[ENTRY_PATH_SIZE];
	struct change change = {.directory = arm->directory,
		.client = client->key,
		.target = arm->link_text,
		.before = before};

	snprintf(path, sizeof path, "%s/%s", arm->directory, client->key);
	if (target_needs_entry(arm, client->key))
		return print_error(path,
			"the target leads through this entry, so the entry was left alone");
	change.is_unchanged = has_same_entry(arm, client->key);
	int err = 0;
	if (change.is_unchanged)
		change.before = arm->link_text;
	else
		err = is_dry_run ? foresee_entry(arm, client->key, before)
		                 : make_entry(arm, client->key, before);
	if (err < 0)
		return warn_not_made(arm, client->key, err);
	change_print(arm->ctl, &change);
	return is_dry_run || strcmp(arm->directory, ONCE_DIR) != 0 ||
	       forecast_entry(arm, client->key);
}
