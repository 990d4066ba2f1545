/* SPDX-License-Identifier: MIT */
/*
 * GRUB's route: removes grub/<version>/grub.cfg-<hex>, the configuration that
 * GRUB looks for first, so that a machine runs it one time.
 */
#include "boot/grub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/tree.h"

void grub_path(
	const char *version, const char *hex, char out[static GRUB_PATH_SIZE])
{
	snprintf(out, GRUB_PATH_SIZE, GRUB_DIR "/%s/grub.cfg-%s", version, hex);
}

static int find_grub_file(int directory, const char *name)
{
	struct stat st;
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? -EISDIR : 0;
}

int grub_clear(const struct tree *tree, const char *path, bool look_only)
{
	char directory[GRUB_PATH_SIZE];
	size_t length = (size_t)(strrchr(path, '/') - path);
	memcpy(directory, path, length);
	/* grub/<version> may be a link: the "." has the kernel follow it. */
	strcpy(directory + length, "/.");

	/*
	 * Removing goes by the directory, so that is what must lie inside:
	 * beneath the root, since PXESRV_ALLOW is for reading.
	 */
	const struct tree root_only = {
		.root = tree->root, .path = tree->path, .allow = ""};
	int fd = tree_open_at(&root_only, directory, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd == -ENOTDIR ? -ENOENT : fd;

	const char *name = path + length + 1;
	int err = find_grub_file(fd, name);
	if (err == 0 && !look_only && unlinkat(fd, name, 0) < 0)
		err = -errno;
	close(fd);
	return err;
}
