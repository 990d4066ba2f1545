/* SPDX-License-Identifier: MIT */
/*
 * The boot tree: holds the root as a directory descriptor and opens files
 * beneath it. openat2(RESOLVE_BENEATH) confines where the kernel has it. What
 * openat2 refuses is opened with O_PATH, and its real place is checked.
 */
#include "boot/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/file_system.h"
#include "boot/once.h"

/* "/proc/self/fd/" and a number */
#define PROC_FD_SIZE 32

static bool is_shared(int root)
{
	if (!file_system_is_local(root))
		return true;
	const int once = openat(root, ONCE_DIR, O_PATH | O_CLOEXEC);
	const bool is_local = once < 0 || file_system_is_local(once);
	if (once >= 0)
		close(once);
	return !is_local;
}

int tree_open(const char *root, const char *allow, struct tree *out)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	tree_from_root(fd, root, allow, out);
	return 0;
}

void tree_from_root(
	int root, const char *path, const char *allow, struct tree *out)
{
	*out = (struct tree){.root = root,
		.path = path,
		.allow = allow,
		.is_shared = is_shared(root)};
}

void tree_close(struct tree *tree)
{
	if (tree->cache == NULL && tree->root >= 0)
		close(tree->root);
	tree->root = -1;
}

const char *tree_strip(const struct tree *tree, const char *path)
{
	size_t length = strlen(tree->path);
	while (length > 0 && tree->path[length - 1] == '/')
		length--;

	if (strncmp(path, tree->path, length) != 0)
		return NULL;
	path += length;
	if (*path != '/' && *path != '\0')
		return NULL;
	path += strspn(path, "/");
	return *path == '\0' ? "." : path;
}

static void name_proc_fd(int fd, char out[static PROC_FD_SIZE])
{
	snprintf(out, PROC_FD_SIZE, "/proc/self/fd/%d", fd);
}

int tree_absolute_path(int fd, char *out, size_t size)
{
	char link[PROC_FD_SIZE];
	name_proc_fd(fd, link);

	ssize_t n = readlink(link, out, size);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -ENAMETOOLONG; /* no test: /proc cuts nothing off */
	out[n] = '\0';
	return 0;
}

/*
 * Returns the part of path below directory ("" for directory itself), or NULL
 * if path is elsewhere. Both are canonical.
 */
static const char *path_below(const char *directory, const char *path)
{
	size_t length = strlen(directory);
	if (length == 1) /* "/" */
		return path + 1;
	if (strncmp(path, directory, length) != 0)
		return NULL;
	path += length;
	return *path == '/' ? path + 1 : *path == '\0' ? path : NULL;
}

/* Whether a canonical path is below the open directory fd. 1, 0 or -errno. */
static int lies_below(int fd, const char *path)
{
	char directory[PATH_MAX];
	int err = tree_absolute_path(fd, directory, sizeof directory);
	if (err < 0)
		return err;
	return path_below(directory, path) != NULL;
}

/* Whether an error of open(2) means that the directory is out of our reach. */
static bool is_out_of_reach(int error)
{
	switch (error) {
	case EACCES:
	case ELOOP:
	case ENAMETOOLONG:
	case ENOENT:
	case ENOTDIR:
		return true;
	/* no test: open fails otherwise */
	default:
		return false;
	}
}

/* Whether path is below a directory of the list. Returns 1, 0 or -errno. */
static int is_allowed(const char *list, const char *path)
{
	while (*list != '\0') {
		char directory[PATH_MAX];
		size_t length = strcspn(list, ":");

		if (length > 0 && length < sizeof directory) {
			memcpy(directory, list, length);
			directory[length] = '\0';
			int fd = open(
				directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (fd < 0 && !is_out_of_reach(errno))
				return -errno;
			int found = fd < 0 ? 0 : lies_below(fd, path);
			if (fd >= 0)
				close(fd);
			if (found != 0)
				return found;
		}
		list += length + (list[length] == ':');
	}
	return 0;
}

/* Returns 0 if the open file is in a place that may be served, else -errno. */
static int check_place_of(const struct tree *tree, int fd)
{
	char path[PATH_MAX];
	int err = tree_absolute_path(fd, path, sizeof path);
	if (err == -ENOENT) /* no /proc: we can't check */
		return -EXDEV;
	if (err < 0)
		return err;

	int found = lies_below(tree->root, path);
	if (found == 0)
		found = is_allowed(tree->allow, path);
	return found < 0 ? found : found ? 0 : -EXDEV;
}

static int reopen_for_reading(int fd, mode_t type, int flags)
{
	/* Never open a device: opening it may already have an effect. */
	if (S_ISDIR(type))
		return -EISDIR;
	if (!S_ISREG(type))
		return -ENXIO;

	char link[PROC_FD_SIZE];
	name_proc_fd(fd, link);
	int new = open(link, flags | O_CLOEXEC);
	return new < 0 ? -errno : new;
}

/*
 * For paths that RESOLVE_BENEATH refuses but that may end inside, such as those
 * with an absolute link. Finds the file by O_PATH, then checks its place.
 */
static int open_by_place(const struct tree *tree, const char *path, int flags)
{
	int fd = openat(tree->root, path,
		O_PATH | O_NOFOLLOW | O_CLOEXEC | (flags & O_DIRECTORY));
	if (fd < 0)
		return -errno;

	struct stat st;
	int result = fstat(fd, &st) < 0 ? -errno : 0;
	if (result == 0 && S_ISLNK(st.st_mode))
		result = -ELOOP;
	if (result == 0)
		result = check_place_of(tree, fd);
	if (result == 0 && (flags & O_PATH))
		return fd;
	if (result == 0)
		result = reopen_for_reading(fd, st.st_mode, flags);
	close(fd);
	return result;
}

int tree_open_at(const struct tree *tree, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH,
	};

	/* EAGAIN: a rename, such as a claim, raced with "..": openat2(2). */
	for (int tries = 0; tries < 4; tries++) {
		long fd = syscall(
			SYS_openat2, tree->root, path, &how, sizeof how);
		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN)
			break;
	}
	/* Kernels before 5.6 say ENOSYS; old containers' filters say EPERM. */
	if (errno == EXDEV || errno == EAGAIN || errno == ENOSYS ||
		errno == EPERM)
		return open_by_place(tree, path, flags);
	return -errno;
}

int tree_read_link(
	const struct tree *tree, const char *path, char out[static PATH_MAX])
{
	return tree_read_link_at(tree->root, path, out);
}

int tree_read_link_at(
	int directory, const char *path, char out[static PATH_MAX])
{
	const ssize_t n = readlinkat(directory, path, out, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG; /* no test: Linux has no such links */
	out[n] = '\0';
	return 0;
}

void tree_look_up_anew(const struct tree *tree, const char *path)
{
	/*
	 * A name that must not exist yet is looked up at the server. No
	 * directory can have a second name, so this makes nothing.
	 */
	if (tree->is_shared)
		/* rare: tests/shared has network file systems */
		(void)!linkat(tree->root, ".", tree->root, path, 0);
}

void tree_look_for_changes(const struct tree *tree, const char *directory)
{
	struct statx changes;

	if (tree->is_shared)
		/* rare: as above */
		statx(tree->root, directory, AT_STATX_FORCE_SYNC, STATX_MTIME,
			&changes);
}

int tree_move(const struct tree *tree, const char *from, const char *to)
{
	if (renameat2(tree->root, from, tree->root, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;

	/* NFS has no RENAME_NOREPLACE. */
	if (linkat(tree->root, from, tree->root, to, 0) < 0)
		return -errno; /* no test: linkat fails, on NFS */
	return unlinkat(tree->root, from, 0) < 0 ? -errno : 0;
}

int tree_relative_path(const struct tree *tree, int fd, char *out, size_t size)
{
	char path[PATH_MAX], root[PATH_MAX];
	int err = tree_absolute_path(fd, path, sizeof path);
	if (err == 0)
		err = tree_absolute_path(tree->root, root, sizeof root);
	if (err < 0)
		return err;

	const char *name = path_below(root, path);
	if (name == NULL)
		name = path;
	if (strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(out, name);
	return 0;
}

int tree_each(const struct tree *tree, const char *path,
	void (*found)(const char *name, void *context), void *context)
{
	int fd = openat(tree->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	DIR *directory = fdopendir(fd);
	if (directory == NULL) {
		int err = -errno;
		close(fd);
		return err;
	}

	const struct dirent *entry;
	errno = 0;
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			found(entry->d_name, context);
		errno = 0;
	}
	int err = -errno;
	closedir(directory);
	return err;
}
