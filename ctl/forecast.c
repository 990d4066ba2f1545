/* SPDX-License-Identifier: MIT */
/*
 * Predicts what the responder will do with once links: by its permissions
 * (permission.c), its view of the tree (responder.c), and the lock.
 */
#include "ctl/forecast.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/once.h"
#include "boot/once_lock.h"
#include "boot/text.h"
#include "ctl/ctl.h"
#include "ctl/permission.h"
#include "ctl/responder.h"

#define USER_SIZE 64

static void format_user(uid_t user, char out[static USER_SIZE])
{
	const struct passwd *entry = getpwuid(user);

	if (entry != NULL)
		snprintf(out, USER_SIZE, "%s", entry->pw_name);
	else
		snprintf(out, USER_SIZE, "%lu", (unsigned long)user);
}

__attribute__((format(printf, 4, 5))) static void set_forecast(
	struct forecast *out, enum forecast_kind kind, const char *path,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out->problem, sizeof out->problem, format, args);
	va_end(args);
	snprintf(out->path, sizeof out->path, "%s", path);
	out->kind = kind;
	out->error = 0;
	out->advice[0] = '\0';
}

static void advise_chown(
	const struct permission *permission, struct forecast *out)
{
	char user[USER_SIZE] = "USER";

	if (permission->is_known)
		format_user(permission->user, user);
	snprintf(out->advice, sizeof out->advice,
		"give it to the responder's user: pxesrvctl chown %s", user);
}

static void advise_by_error(
	const struct permission *permission, struct forecast *out)
{
	const bool is_once = strcmp(out->path, ONCE_DIR) == 0;
	const char *way = "remove it: the responder creates it again";

	if (out->error == EROFS)
		way = permission->pid == 0
		              ? "mount it writable"
		              : "mount it writable for the responder: restart the responder";
	else if (out->error == EXDEV)
		way = "unmount it";
	else if (out->error == EPERM && is_once &&
		 permission_owns_once(permission))
		way = "remove its immutable attribute: chattr -i";
	else if (out->error == EACCES || is_once) {
		advise_chown(permission, out);
		return;
	}
	snprintf(out->advice, sizeof out->advice, "%s", way);
}

/* Writes " (user www-data, pid 7)", as far as known. */
static void format_responder(
	const struct permission *permission, char *out, size_t size)
{
	char user[USER_SIZE], pid[32] = "";

	out[0] = '\0';
	if (!permission->is_known)
		return;
	format_user(permission->user, user);
	if (permission->pid != 0)
		snprintf(pid, sizeof pid, ", pid %ld", (long)permission->pid);
	snprintf(out, size, " (user %s%s)", user, pid);
}

/* Says what the responder can't use, and with what effect. */
static void set_failure(const struct permission *permission, const char *path,
	int error, const char *effect, struct forecast *out)
{
	char who[USER_SIZE + 64];

	format_responder(permission, who, sizeof who);
	if (error == EPERM && strcmp(path, ONCE_DIR) == 0 &&
		!permission_owns_once(permission))
		set_forecast(out, FORECAST_FAILS, path,
			"it is sticky, and the responder%s owns neither it nor the link, so %s: %s",
			who, effect, strerror(error));
	else if (error == EACCES && !permission->is_known)
		set_forecast(out, FORECAST_FAILS, path,
			"users other than root can't use it, so %s: %s", effect,
			strerror(error));
	else
		set_forecast(out, FORECAST_FAILS, path,
			"the responder can't use it%s, so %s: %s", who, effect,
			strerror(error));
	out->error = error;
	advise_by_error(permission, out);
}

/* In its mount namespace, the responder's path may be another directory. */
static bool forecast_other_tree(const struct ctl *ctl, struct forecast *out)
{
	const struct responder *responder = responder_of(ctl);

	if (responder == NULL || responder->sees == RESPONDER_SEES_TREE)
		return false;
	const bool is_root = responder->sees == RESPONDER_SEES_OTHER_ROOT;
	set_forecast(out, FORECAST_ELSEWHERE, is_root ? ctl->root : ONCE_DIR,
		"the responder (pid %ld) sees another directory there, or none, so its answers are not those of this %s",
		(long)responder->pid, is_root ? "tree" : "once/");
	snprintf(out->advice, sizeof out->advice,
		"restart the responder; if that does not help, check what its service mounts or hides there");
	return true;
}

/* Reads a process's name, which the process chooses. False: it is gone. */
static bool read_process_name(pid_t pid, char *out, size_t size)
{
	char path[64], text[64];
	ssize_t n = -1;

	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	escape_line(text, out, size);
	return true;
}

void forecast_lock_holder(const struct tree *tree, char *out, size_t size)
{
	const pid_t pid = once_lock_holder(tree);
	char command[128];

	if (pid <= 0)
		snprintf(out, size, "a process that is not visible from here");
	else if (read_process_name(pid, command, sizeof command))
		snprintf(out, size, "pid %ld (%s)", (long)pid, command);
	else
		snprintf(out, size, "pid %ld", (long)pid);
}

/* Predicts a failure if somebody keeps the lock. */
static void forecast_lock(
	const struct permission *permission, struct forecast *out)
{
	char holder[256];

	if (once_part_check(&permission->tree, ONCE_LOCK) < 0)
		return;
	const int lock = once_lock(&permission->tree);
	if (lock >= 0)
		once_unlock(&permission->tree, lock);
	if (lock != -EAGAIN)
		return;
	forecast_lock_holder(&permission->tree, holder, sizeof holder);
	set_forecast(out, FORECAST_FAILS, ONCE_LOCK,
		"held by %s, so links are answered with 503: %s", holder,
		strerror(EAGAIN));
	out->error = EAGAIN;
	snprintf(out->advice, sizeof out->advice,
		"end that process, or what it waits for");
}

/* A sandboxed responder can move only files and links out of the way. */
static bool forecast_part(const struct permission *permission, const char *path,
	struct forecast *out)
{
	struct stat st;

	if (permission->pid == 0 ||
		permission_check_part(permission, path) != -ENOENT ||
		fstatat(permission->tree.root, path, &st, AT_SYMLINK_NOFOLLOW) <
			0 ||
		S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		return false;
	set_forecast(out, FORECAST_MAY_FAIL, path,
		"it does not belong to the responder, and the responder (pid %ld) cannot move it aside if it is sandboxed",
		(long)permission->pid);
	snprintf(out->advice, sizeof out->advice,
		"find out who made it, then restart the responder, which moves it aside to %s" ONCE_ASIDE
		"...",
		path);
	return true;
}

/* A sticky once/ may keep the responder from moving others' links. */
static void forecast_owner(const struct permission *permission,
	const char *client, struct forecast *out)
{
	char path[ENTRY_PATH_SIZE];
	struct stat link;

	snprintf(path, sizeof path, ONCE_DIR "/%s",
		client == NULL ? "" : client);
	if (permission_is_sticky(permission) &&
		!permission_owns_once(permission) && client == NULL) {
		set_forecast(out, FORECAST_MAY_FAIL, ONCE_DIR,
			"it is sticky and belongs to another user, so the responder can move only its own links");
		advise_chown(permission, out);
	} else if (permission_is_sticky(permission) && !permission->is_known &&
		   fstatat(permission->tree.root, path, &link,
			   AT_SYMLINK_NOFOLLOW) == 0) {
		char user[USER_SIZE];

		format_user(link.st_uid, user);
		set_forecast(out, FORECAST_MAY_FAIL, ONCE_DIR,
			"it is sticky and belongs to root, so the link is answered with 503 unless the responder runs as user %s",
			user);
		advise_chown(permission, out);
	} else if (client == NULL && geteuid() == 0 && !permission->is_known &&
		   permission->once.st_uid == 0) {
		set_forecast(out, FORECAST_UNKNOWN, ONCE_DIR,
			"it belongs to root, so pxesrvctl cannot tell whether the responder may move links");
		snprintf(out->advice, sizeof out->advice,
			"give it to the responder's user with pxesrvctl chown, or name that user with -u");
	}
}

static void forecast_claim(const struct permission *permission,
	const char *client, struct forecast *out)
{
	const char *where;
	const int error = permission_claim(permission, client, &where);

	*out = (struct forecast){.kind = FORECAST_GOOD};
	if (error != 0)
		set_failure(permission, where, error,
			"links are answered with 503", out);
	else if (!forecast_part(permission, ONCE_LOCK, out) &&
		 !forecast_part(permission, CLAIMED_DIR, out))
		forecast_owner(permission, client, out);
}

void forecast_links(const struct ctl *ctl, struct forecast *out)
{
	struct permission permission;

	*out = (struct forecast){.kind = FORECAST_GOOD};
	if (forecast_other_tree(ctl, out) || !permission_open(ctl, &permission))
		return;
	forecast_claim(&permission, NULL, out);
	if (out->kind != FORECAST_FAILS)
		forecast_lock(&permission, out);
}

void forecast_link(const struct ctl *ctl, const struct forecast *links,
	const char *client, struct forecast *out)
{
	struct permission permission;

	*out = *links;
	if (links->kind != FORECAST_ELSEWHERE && links->error != EAGAIN &&
		permission_open(ctl, &permission))
		forecast_claim(&permission, client, out);
}

void forecast_unseen(
	const struct ctl *ctl, const char *path, struct forecast *out)
{
	struct permission permission;
	char user[USER_SIZE];

	*out = (struct forecast){.kind = FORECAST_GOOD};
	if (!permission_open(ctl, &permission) ||
		permission_runs_as_user(&permission))
		return;
	format_user(geteuid(), user);
	set_forecast(out, FORECAST_UNKNOWN, path,
		"user %s cannot read it, but the responder may be able to",
		user);
	snprintf(out->advice, sizeof out->advice, "run this as root");
}

void forecast_served(const struct ctl *ctl, struct forecast *out)
{
	struct permission permission;

	*out = (struct forecast){.kind = FORECAST_GOOD};
	if (!permission_open(ctl, &permission))
		return;
	const int error = permission_served(&permission);
	if (error != 0)
		set_failure(&permission, SERVED_DIR, error,
			"links stay in " CLAIMED_DIR "/ when they are served",
			out);
}

void forecast_done(const struct ctl *ctl, struct forecast *out)
{
	struct permission permission;
	const char *where;

	*out = (struct forecast){.kind = FORECAST_GOOD};
	if (!permission_open(ctl, &permission))
		return;
	const int error = permission_done(&permission, &where);
	if (error != 0) {
		set_failure(&permission, where, error,
			"/done is answered with 503", out);
	} else if (permission_done_is_limited(&permission, &where)) {
		set_forecast(out, FORECAST_MAY_FAIL, where,
			"it is sticky and belongs to another user, so the responder can move or replace only its own links");
		advise_chown(&permission, out);
	}
}
