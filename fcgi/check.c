/* SPDX-License-Identifier: MIT */
/* Checks the settings and the tree, at the start and for -t. */
#include "fcgi/check.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/file_system.h"
#include "boot/once.h"
#include "boot/once_lock.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "cgi/logline.h"
#include "cgi/respond.h"

/* Whether links can be moved in, into and out of once/ or until/. */
static bool check_directory(const struct tree *tree, const char *path)
{
	struct stat st;

	if (fstatat(tree->root, path, &st, 0) < 0) {
		if (errno == ENOENT)
			return true; /* same as an empty one */
		warn("%s/%s", tree->path, path);
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		warnx("%s/%s: not a directory", tree->path, path);
		return false;
	}
	if (faccessat(tree->root, path, R_OK | W_OK | X_OK, AT_EACCESS) < 0) {
		warn("%s/%s: user %u cannot move links there", tree->path, path,
			(unsigned)geteuid());
		return false;
	}
	const uid_t user = geteuid();
	if ((st.st_mode & S_ISVTX) && user != 0 && st.st_uid != user) {
		/* rare: needs a user who is not root */
		warnx("%s/%s: it is sticky, so user %u cannot move the links of others; make that user its owner",
			tree->path, path, (unsigned)user);
		return false;
	}
	return true;
}

/* Root, or anybody who may write to once/, can have made a part. */
static bool check_once_parts(const struct tree *tree)
{
	bool good = true;

	for (size_t i = 0; i < ONCE_PARTS; i++) {
		const char *path = once_parts[i];
		const int error = -once_part_forecast(tree, path);
		if (error != 0) {
			warnx("%s/%s: does not belong to the responder, and user %u cannot move it aside: %s",
				tree->path, path, (unsigned)geteuid(),
				strerror(error));
			good = false;
			continue;
		}
		if (once_part_check(tree, path) < 0 ||
			faccessat(tree->root, path, W_OK, AT_EACCESS) == 0)
			continue;
		warn("%s/%s: user %u must be able to write there", tree->path,
			path, (unsigned)geteuid());
		good = false;
	}
	return good;
}

static bool check_default(const struct tree *tree)
{
	struct target target;
	int error = -target_open(tree, TREE_DEFAULT, NULL, &target);

	if (error == 0) {
		target_close(tree, &target);
		return true;
	}
	if (error == ENOENT && faccessat(tree->root, TREE_DEFAULT, F_OK,
				       AT_SYMLINK_NOFOLLOW) < 0) {
		warnx("%s/default: does not exist; clients without an entry of their own get 404",
			tree->path);
		return true;
	}
	warnx("%s/default: %s", tree->path, reason_text(error));
	return false;
}

static bool check_log(const char *path)
{
	if (strcmp(path, "-") == 0)
		return true;

	/* Don't create the log: it might get the wrong owner. */
	int fd = open(
		path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return true;
	}
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	snprintf(directory, sizeof directory, "%.*s/", (int)(slash - path),
		path);
	if (errno == ENOENT &&
		faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	warn("PXESRV_LOG=%s", path);
	return false;
}

/* Returns false, with a message. */
static bool open_tree(const struct settings *settings, struct tree *out)
{
	int error = -tree_open(settings->root, settings->allow, out);
	if (error != 0)
		warnx("PXESRV_ROOT=%s: %s", settings->root, strerror(error));
	return error == 0;
}

bool check_root(const struct service *service)
{
	struct tree tree;

	if (service->settings.root == NULL)
		return true;
	if (!open_tree(&service->settings, &tree))
		return false;
	tree_close(&tree);
	return true;
}

static bool check_tree(const struct settings *settings)
{
	struct tree tree;

	if (settings->root == NULL) {
		warnx("PXESRV_ROOT is not set: the tree is the DOCUMENT_ROOT that the web server passes, and was not checked");
		return true;
	}
	if (!open_tree(settings, &tree))
		return false;
	bool once = check_directory(&tree, ONCE_DIR) && check_once_parts(&tree);
	bool until = check_directory(&tree, UNTIL_DIR);
	bool other = check_default(&tree);
	tree_close(&tree);
	return once && until && other;
}

bool check_all(const struct service *service)
{
	bool log = check_log(service->settings.log);
	return check_tree(&service->settings) && log;
}

static void log_old_claim(const char *path, void *context)
{
	char escaped[512], note[1024];

	escape_line(path, escaped, sizeof escaped);
	snprintf(note, sizeof note,
		"%s: claimed by a responder that has crashed or is still answering; not armed again automatically",
		escaped);
	logline_write_event(context, note);
}

static void log_once_report(const char *line, void *context)
{
	logline_write_event(context, line);
}

/* Logs which file system a directory of the tree is on. */
static void log_file_system(const struct service *service,
	const struct tree *tree, const char *path)
{
	char kind[FILE_SYSTEM_LINE_SIZE], note[sizeof kind + 32];
	const int fd = openat(tree->root, path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	file_system_describe(fd, kind);
	close(fd);
	snprintf(note, sizeof note, "%s: on %s",
		strcmp(path, ".") == 0 ? "the root" : path, kind);
	logline_write_event(service->log, note);
}

/* Logs whether the lock on once/ does what claims need. */
static void log_lock(const struct service *service, const struct tree *tree)
{
	if (once_lock_test(tree) == -ENOLCK)
		/* no test: Linux has no such file system */
		logline_write_event(service->log, ONCE_LOCK
			": the lock excludes nobody on this file system, so a link may be served twice");
}

/* Logs what does not work, unless err is 0. err is -errno. */
static void log_trouble(
	const struct service *service, const char *what, int err)
{
	char note[256];

	if (err == 0)
		return;
	snprintf(note, sizeof note, "%s: %s", what, strerror(-err));
	logline_write_event(service->log, note);
}

void prepare_tree(const struct service *service)
{
	const struct settings *settings = &service->settings;
	struct tree tree;

	once_set_reporter(log_once_report, service->log);
	if (settings->root == NULL ||
		tree_open(settings->root, settings->allow, &tree) < 0)
		return;
	int err = once_parts_make_locked(&tree);
	log_trouble(service, ONCE_DIR ": links cannot be claimed", err);
	err = until_prepare(&tree);
	log_trouble(service, UNTIL_DIR ": links cannot be done with", err);
	claim_each(&tree, NULL, log_old_claim, service->log);
	log_file_system(service, &tree, ".");
	log_file_system(service, &tree, ONCE_DIR);
	log_lock(service, &tree);
	tree_close(&tree);
}
