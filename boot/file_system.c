/* SPDX-License-Identifier: MIT */
/*
 * What kind of file system the tree is on. Whether servers may share it depends
 * on how its rename, its locks and its memory of names work across machines, so
 * only what tests/shared has tried is known.
 */
#include "boot/file_system.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

#define TYPE_SIZE 64 /* bytes */

bool file_system_is_local(int fd)
{
	struct statfs system;

	if (fstatfs(fd, &system) < 0)
		return false;
	switch ((unsigned long)system.f_type) {
	case BTRFS_SUPER_MAGIC:
	case EXT4_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case XFS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/*
 * Reads a line of proc_pid_mountinfo(5), "ID ... - TYPE SOURCE OPTIONS".
 * Returns the options and writes the type if it is the line of that mount, else
 * NULL.
 */
static const char *read_mount_line(
	char *line, unsigned long long mount, char type[static TYPE_SIZE])
{
	char *rest = strstr(line, " - ");

	if (rest == NULL || strtoull(line, NULL, 10) != mount)
		return NULL;
	rest += strlen(" - ");
	snprintf(type, TYPE_SIZE, "%.*s", (int)strcspn(rest, " "), rest);
	return rest;
}

/* The same of the mount with that ID. line is room for the longest line. */
static const char *find_mount(unsigned long long mount,
	char type[static TYPE_SIZE], char *line, int size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	const char *options = NULL;

	while (file != NULL && options == NULL &&
		fgets(line, size, file) != NULL)
		options = read_mount_line(line, mount, type);
	if (file != NULL)
		fclose(file);
	return options;
}

const char *file_system_judge(const char *type, const char *options)
{
	static const char *const local[] = {"btrfs", "ext2", "ext3", "ext4",
		"f2fs", "overlay", "tmpfs", "xfs", "zfs"};

	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
		if (strcmp(type, local[i]) == 0)
			return "for one boot server";
	}
	if (strncmp(type, "nfs", 3) == 0 &&
		(strstr(options, "local_lock=flock") != NULL ||
			strstr(options, "local_lock=all") != NULL ||
			strstr(options, "nolock") != NULL))
		return "for one boot server, since its locks exclude no other machine";
	if (strcmp(type, "fuse.ceph-fuse") == 0 ||
		(strcmp(type, "nfs4") == 0 &&
			strstr(options, "vers=4.2") != NULL))
		return "several boot servers can share it";
	return "not tried with several boot servers";
}

void file_system_describe(int fd, char out[static FILE_SYSTEM_LINE_SIZE])
{
	const char *options = NULL;
	struct statx st;
	char type[TYPE_SIZE], line[4096];

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) == 0 &&
		(st.stx_mask & STATX_MNT_ID) != 0)
		options = find_mount(st.stx_mnt_id, type, line, sizeof line);
	if (options == NULL)
		/* rare: an old kernel, or a mount of another namespace */
		snprintf(out, FILE_SYSTEM_LINE_SIZE, "unknown file system");
	else
		snprintf(out, FILE_SYSTEM_LINE_SIZE, "%s: %s", type,
			file_system_judge(type, options));
}
