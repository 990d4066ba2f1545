/* SPDX-License-Identifier: MIT */
/*
 * Opens directories of the tree without following a link that is not to be
 * trusted.
 */
#include "ctl/directory.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"

/* Opens what a link leads to, which has been opened itself. */
static int follow(const struct tree *tree, int link)
{
	char text[PATH_MAX];

	const ssize_t n = readlinkat(link, "", text, sizeof text);
	if (n < 0)
		return -errno;
	if (n == sizeof text)
		return -ENAMETOOLONG;
	text[n] = '\0';
	const int fd =
		openat(tree->root, text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * As directory_open(), without a word. What is looked at is open, so that
 * nobody can put something else there between the look and the use.
 */
static int open_trusted(const struct tree *tree, const char *name)
{
	struct stat st;

	const int fd =
		openat(tree->root, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = fd;
	if (fstat(fd, &st) < 0)
		result = -errno;
	else if (S_ISLNK(st.st_mode))
		result = geteuid() == 0 && st.st_uid != 0 ? -ELOOP
		                                          : follow(tree, fd);
	else if (!S_ISDIR(st.st_mode))
		result = -ENOTDIR;
	if (result != fd)
		close(fd);
	return result;
}

int directory_open(const struct ctl *ctl, const char *name)
{
	const int fd = open_trusted(&ctl->tree, name);

	if (fd == -ELOOP)
		warnx("%s/%s: a link that root does not follow, for its owner "
		      "is somebody else",
			ctl->root, name);
	else if (fd < 0)
		warnx("%s/%s: %s", ctl->root, name, strerror(-fd));
	return fd;
}

int directory_owner(const struct tree *tree, const char *name, uid_t *out)
{
	struct stat st;

	if (fstatat(tree->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) && st.st_uid == 0 &&
		fstatat(tree->root, name, &st, 0) < 0)
		return -errno;
	*out = st.st_uid;
	return 0;
}
