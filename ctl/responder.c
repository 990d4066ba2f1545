/* SPDX-License-Identifier: MIT */
/*
 * Finds the responder among all processes by program name and environment.
 * Opens its root by /proc/PID/root, which has the mounts of that process and
 * their flags.
 *
 * Any user can start a responder with any root. So only messages and exit
 * statuses depend on the result, except for the PXESRV_IDENTIFY of one that is
 * trusted.
 */
#include "ctl/responder.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/number.h"
#include "boot/once.h"
#include "boot/text.h"
#include "boot/user.h"
#include "ctl/ctl.h"

#define PROGRAM "pxesrv.fcgi"
#define DELETED " (deleted)" /* an upgrade replaced it */

struct responder_search {
	const struct ctl *ctl;
	uid_t owner;         /* of once/: the most likely user; 0: unknown */
	bool is_of_one_user; /* -u */
	uid_t user;
	bool any_without_root; /* one was found that may serve any tree */
	bool found;
	struct responder best;
};

static bool runs_responder(int process)
{
	char path[PATH_MAX];

	if (tree_read_link_at(process, "exe", path) < 0)
		return false;
	char *deleted = strstr(path, DELETED);
	if (deleted != NULL)
		*deleted = '\0';
	const char *slash = strrchr(path, '/');
	return slash != NULL && strcmp(slash + 1, PROGRAM) == 0;
}

static FILE *open_proc_file(int process, const char *name)
{
	const int fd = openat(process, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* The value of a variable such as NAME=VALUE. NULL: of another one. */
static const char *value_of(const char *variable, const char *name)
{
	const size_t length = strlen(name);

	return strncmp(variable, name, length) == 0 && variable[length] == '='
	               ? variable + length + 1
	               : NULL;
}

static void read_setting(const char *variable, struct responder *out)
{
	const char *root = value_of(variable, "PXESRV_ROOT");
	const char *identify = value_of(variable, "PXESRV_IDENTIFY");

	if (root != NULL)
		snprintf(out->named, sizeof out->named, "%s", root);
	else if (identify != NULL)
		identify_parse(identify, &out->identify);
}

/* Reads a process's settings. False: unreadable. */
static bool read_settings(int process, struct responder *out)
{
	char *variable = NULL;
	size_t size = 0;
	FILE *file = open_proc_file(process, "environ");

	if (file == NULL)
		return false;
	while (getdelim(&variable, &size, '\0', file) > 0)
		read_setting(variable, out);
	free(variable);
	fclose(file);
	return true;
}

/* Reads the numbers in a line of /proc/PID/status. Returns how many. */
static int parse_ids(char *line, unsigned out[static RESPONDER_GROUPS_MAX])
{
	char *rest = NULL;
	int count = 0;

	for (const char *word = strtok_r(line, " \t\n", &rest);
		word != NULL && count < RESPONDER_GROUPS_MAX;
		word = strtok_r(NULL, " \t\n", &rest)) {
		if (!number_parse(word, 10, 0, UINT_MAX, &out[count]))
			break;
		count++;
	}
	return count;
}

/* Reads the effective ids, which come second. False: incomplete. */
static bool read_process_ids(int process, struct responder *out)
{
	unsigned numbers[RESPONDER_GROUPS_MAX];
	char *line = NULL;
	size_t size = 0;
	unsigned lines = 0;
	FILE *file = open_proc_file(process, "status");

	if (file == NULL)
		return false;
	while (getline(&line, &size, file) > 0) {
		if (strncmp(line, "Uid:", 4) == 0 &&
			parse_ids(line + 4, numbers) > 1) {
			out->user = numbers[1];
			lines++;
		} else if (strncmp(line, "Gid:", 4) == 0 &&
			   parse_ids(line + 4, numbers) > 1) {
			out->group = numbers[1];
			lines++;
		} else if (strncmp(line, "Groups:", 7) == 0) {
			out->group_count = parse_ids(line + 7, numbers);
			for (int i = 0; i < out->group_count; i++)
				out->groups[i] = numbers[i];
			lines++;
		}
	}
	free(line);
	fclose(file);
	return lines == 3 && out->group_count < RESPONDER_GROUPS_MAX;
}

/* Links in path start at the process's root. A descriptor or -errno. */
static int open_process_root(int process, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT,
	};
	const int top = openat(process, "root", O_PATH | O_CLOEXEC);

	if (top < 0)
		return -errno;
	const long fd = syscall(SYS_openat2, top, path, &how, sizeof how);
	const int error = errno;
	close(top);
	return fd < 0 ? -error : (int)fd;
}

/* 1: the same directory; 0: not, or only one exists; or -errno. */
static int compare_directories(int one, int other, const char *path)
{
	struct stat a, b;
	const int flags = path[0] == '\0' ? AT_EMPTY_PATH : 0;
	const int error = fstatat(one, path, &a, flags) < 0 ? errno : 0;
	const int other_error = fstatat(other, path, &b, flags) < 0 ? errno : 0;

	if (error != 0 || other_error != 0)
		return error == other_error                       ? 1
		       : error == EACCES || other_error == EACCES ? -EACCES
		                                                  : 0;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* In a container, the same path names something else. */
static bool shares_pid_namespace(int process)
{
	char own[64], other[64];
	const ssize_t n = readlink("/proc/self/ns/pid", own, sizeof own);

	return n > 0 && n < (ssize_t)sizeof own &&
	       readlinkat(process, "ns/pid", other, sizeof other) == n &&
	       memcmp(own, other, (size_t)n) == 0;
}

static bool is_same_path(const char *one, const char *other)
{
	size_t length = strlen(one), others = strlen(other);

	while (length > 1 && one[length - 1] == '/')
		length--;
	while (others > 1 && other[others - 1] == '/')
		others--;
	return length == others && strncmp(one, other, length) == 0;
}

/* Compares what the process sees of the tree. False: unknown. */
static bool compare_tree(
	int process, const struct tree *tree, struct responder *out)
{
	const bool has_same_path = is_same_path(out->named, tree->path);
	const int fd = open_process_root(process, out->named);

	if (fd >= 0 && compare_directories(fd, tree->root, "") == 1) {
		const int once = compare_directories(fd, tree->root, ONCE_DIR);
		out->root = fd;
		out->sees = once == 0 ? RESPONDER_SEES_OTHER_ONCE
		                      : RESPONDER_SEES_TREE;
		return true;
	}
	if (fd >= 0)
		close(fd);
	if ((fd < 0 && fd != -ENOENT) || !shares_pid_namespace(process))
		return false;
	out->root = -1;
	out->sees = has_same_path ? RESPONDER_SEES_OTHER_ROOT
	                          : RESPONDER_SEES_NOTHING_OF_IT;
	return true;
}

/* A responder that is about to end may still see an old tree. */
static bool is_better_responder(
	const struct responder_search *search, const struct responder *one)
{
	const struct responder *best = &search->best;

	if (!search->found || one->sees != best->sees)
		return !search->found || one->sees < best->sees;
	return best->user != search->owner && one->user == search->owner;
}

static void consider_process(
	struct responder_search *search, int process, pid_t pid)
{
	struct responder one = {.pid = pid, .root = -1};

	if (!runs_responder(process))
		return;
	if (!read_settings(process, &one) || one.named[0] == '\0') {
		search->any_without_root = true;
		return;
	}
	if (!read_process_ids(process, &one) ||
		(search->is_of_one_user && one.user != search->user) ||
		!compare_tree(process, &search->ctl->tree, &one))
		return;
	if (!is_better_responder(search, &one)) {
		if (one.root >= 0)
			close(one.root);
		return;
	}
	if (search->found && search->best.root >= 0)
		close(search->best.root);
	one.is_trusted = search->is_of_one_user || one.user == 0 ||
	                 one.user == search->owner || one.user == geteuid();
	search->best = one;
	search->found = true;
}

static void search_processes(struct responder_search *search)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	unsigned pid;

	if (processes == NULL)
		return;
	while ((entry = readdir(processes)) != NULL) {
		if (!number_parse(entry->d_name, 10, 1, INT_MAX, &pid))
			continue;
		const int process = openat(dirfd(processes), entry->d_name,
			O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		consider_process(search, process, (pid_t)pid);
		close(process);
	}
	closedir(processes);
}

static void warn_of_other_tree(const struct responder_search *search)
{
	char named[2 * PATH_MAX];

	escape_line(search->best.named, named, sizeof named);
	warnx("warning: the responder that runs here (pid %ld) serves %s, not the tree %s",
		(long)search->best.pid, named, search->ctl->root);
}

static void find_responder(struct responder_search *search)
{
	const struct ctl *ctl = search->ctl;
	struct stat once;

	if (fstatat(ctl->tree.root, ONCE_DIR, &once, 0) == 0)
		search->owner = once.st_uid;
	search->is_of_one_user =
		ctl->user != NULL && user_parse(ctl->user, &search->user);
	search_processes(search);
	if (!search->found || search->best.sees != RESPONDER_SEES_NOTHING_OF_IT)
		return;
	search->found = false;
	if (!search->any_without_root && !search->is_of_one_user)
		warn_of_other_tree(search);
}

const struct responder *responder_of(const struct ctl *ctl)
{
	static struct responder_search search;

	if (search.ctl == NULL) {
		search.ctl = ctl;
		find_responder(&search);
	}
	return search.found ? &search.best : NULL;
}
