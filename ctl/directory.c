/* SPDX-License-Identifier: MIT */
#include "directory.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

/* As directory_open(), without a word. */
static int open_trusted(const struct tree *tree, const char *name)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	struct stat st;

	int fd = openat(tree->root, name, flags | O_NOFOLLOW);
	if (fd >= 0 || (errno != ELOOP && errno != ENOTDIR))
		return fd < 0 ? -errno : fd;
	if (fstatat(tree->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return -ENOTDIR;
	if (geteuid() == 0 && st.st_uid != 0)
		return -ELOOP;
	fd = openat(tree->root, name, flags);
	return fd < 0 ? -errno : fd;
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
