/* SPDX-License-Identifier: MIT */
/*
 * Turns the places that the responder needs into rules of Landlock. Follows the
 * links on the way to a place one by one.
 */
#include "fcgi/sandbox/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/grub.h"
#include "boot/once.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "cgi/settings.h"
#include "fcgi/sandbox/landlock.h"
#include "fcgi/sandbox/report.h"

struct rules {
	const struct landlock *landlock;
	struct sandbox_report *report;
};

static int allow(const struct rules *rules, const char *path, uint64_t rights)
{
	/* O_DIRECTORY mounts what is mounted on first use. */
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR)
		fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = landlock_allow(rules->landlock, fd, rights);
	close(fd);
	return err;
}

/* Gives rights on the directory that path is in. */
static int allow_parent(
	const struct rules *rules, const char *path, uint64_t rights)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return allow(rules, ".", rights);
	snprintf(parent, sizeof parent, "%.*s/", (int)(slash - path), path);
	return allow(rules, parent, rights);
}

/* Gives rights on a directory of the tree, or on the root if it is missing. */
static int allow_directory(const struct rules *rules, const struct tree *tree,
	const char *name, uint64_t rights, const char *what)
{
	int fd = openat(tree->root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		sandbox_report_add(rules->report,
			"%s/ does not exist: %s in all of the root", name,
			what);
		return landlock_allow(rules->landlock, tree->root, rights);
	}
	int err = landlock_allow(rules->landlock, fd, rights);
	close(fd);
	return err;
}

/* grub/<version> may link to another directory beneath the root. */
static int allow_grub_links(const struct rules *rules, const struct tree *tree)
{
	int fd = openat(
		tree->root, GRUB_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int err = 0;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd); /* no test: no memory */
		return 0;
	}
	while (err == 0 && (entry = readdir(directory)) != NULL) {
		char path[sizeof GRUB_DIR + NAME_MAX + 4];
		snprintf(path, sizeof path, GRUB_DIR "/%s/.", entry->d_name);
		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		int version = tree_open_at(tree, path, O_PATH | O_DIRECTORY);
		if (version < 0)
			continue;
		err = landlock_allow(rules->landlock, version, RIGHTS_REMOVE);
		close(version);
	}
	closedir(directory);
	return err;
}

/* If it is made later, outdated_check() notices. */
static int allow_until(const struct rules *rules, const struct tree *tree)
{
	const int fd =
		openat(tree->root, UNTIL_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	const int err = landlock_allow(rules->landlock, fd, RIGHTS_UNTIL);
	close(fd);
	return err;
}

static int allow_tree(const struct rules *rules, const char *root)
{
	struct tree tree;
	int err = tree_open(root, "", &tree);

	if (err < 0)
		return err;
	err = landlock_allow(rules->landlock, tree.root, RIGHTS_READ);
	if (err == 0)
		err = allow_directory(rules, &tree, ONCE_DIR, RIGHTS_ONCE,
			"links may be moved");
	if (err == 0)
		err = allow_until(rules, &tree);
	if (err == 0)
		err = allow_directory(rules, &tree, GRUB_DIR, RIGHTS_REMOVE,
			"files may be removed");
	if (err == 0)
		err = allow_grub_links(rules, &tree);
	tree_close(&tree);
	return err;
}

/*
 * Finds the first component of path that is a link, and reads its text. Returns
 * the length of path to the end of that component, or 0: no link.
 */
static size_t find_link(const char *path, char text[static PATH_MAX])
{
	char part[PATH_MAX];

	for (size_t i = 1; path[i - 1] != '\0'; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof part, "%.*s", (int)i, path);
		ssize_t n = readlink(part, text, PATH_MAX - 1);
		if (n > 0) {
			text[n] = '\0';
			return i;
		}
	}
	return 0;
}

/* Replaces the link that ends at length by its text. */
static int follow(char path[static PATH_MAX], size_t length, const char *text)
{
	char next[PATH_MAX + PATH_MAX + PATH_MAX];
	size_t base = length;

	while (base > 0 && path[base - 1] != '/')
		base--;
	snprintf(next, sizeof next, "%.*s%s%s", text[0] == '/' ? 0 : (int)base,
		path, text, path + length);
	if (strlen(next) >= PATH_MAX)
		return -ENAMETOOLONG; /* no test: the kernel follows none */
	strcpy(path, next);
	return 0;
}

/*
 * People switch trees by moving a link to a sibling of the old directory. So
 * each link on the way to the root gives rights on all siblings.
 */
static int allow_links(const struct rules *rules, const char *root)
{
	char path[PATH_MAX], text[PATH_MAX], part[PATH_MAX], real[PATH_MAX];
	int err = 0;

	if (strlen(root) >= sizeof path)
		return -ENAMETOOLONG; /* no test: the kernel opens none */
	strcpy(path, root);
	for (int links = 0; err == 0 && links < TREE_LINKS_MAX; links++) {
		const size_t length = find_link(path, text);
		if (length == 0)
			return 0;
		snprintf(part, sizeof part, "%.*s", (int)length, path);
		if (realpath(part, real) == NULL)
			return -errno; /* no test: the link has gone */
		char *name = strrchr(real, '/');
		if (name == real)
			return -EXDEV;
		err = allow_parent(rules, real, RIGHTS_ONCE);
		*name = '\0';
		sandbox_report_add(rules->report,
			"%s is a link: all of %s may be used like the root",
			part, real);
		if (err == 0)
			err = follow(path, length, text);
	}
	return err; /* no test: more links than the kernel follows */
}

static int allow_list(const struct rules *rules, const char *list)
{
	while (*list != '\0') {
		char directory[PATH_MAX];
		size_t length = strcspn(list, ":");

		snprintf(
			directory, sizeof directory, "%.*s", (int)length, list);
		int err =
			length == 0 ? 0 : allow(rules, directory, RIGHTS_READ);
		if (err < 0)
			sandbox_report_add(rules->report,
				"%s in PXESRV_ALLOW cannot be read until a restart: %s",
				directory, strerror(-err));
		list += length + (list[length] == ':');
	}
	return 0;
}

/* For the holder of once/.lock. Without this file it is not reported. */
static void allow_locks(const struct rules *rules)
{
	allow(rules, "/proc/locks", LANDLOCK_ACCESS_FS_READ_FILE);
}

static void allow_log(const struct rules *rules, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	/* A terminal is opened again, if the log can't be opened. */
	allow(rules, "/proc/self/fd/2", RIGHTS_WRITE);
	if (strcmp(path, "-") == 0)
		return;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		allow(rules, path, RIGHTS_WRITE);
		return;
	}
	/* The log's directory: a rotation replaces the file. */
	int err = allow_parent(rules, path, RIGHTS_LOG);
	if (err == 0 && realpath(path, real) != NULL)
		err = allow_parent(rules, real, RIGHTS_LOG);
	if (err < 0)
		sandbox_report_add(rules->report,
			"%s cannot be opened until a restart: %s", path,
			strerror(-err));
}

int places_allow(const struct landlock *landlock,
	const struct settings *settings, const char *socket_path,
	struct sandbox_report *report)
{
	const struct rules rules = {.landlock = landlock, .report = report};
	int err = allow_tree(&rules, settings->root);

	if (err == 0)
		err = allow_links(&rules, settings->root);
	if (err == 0)
		err = allow_list(&rules, settings->allow);
	if (err == 0 && socket_path != NULL)
		err = allow_parent(&rules, socket_path, RIGHTS_REMOVE);
	if (err == 0) {
		allow_log(&rules, settings->log);
		allow_locks(&rules);
	}
	return err;
}
