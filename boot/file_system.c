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

bool file_system_is_fuse(int fd)
{
	struct statfs system;

	return fstatfs(fd, &system) == 0 &&
	       (unsigned long)system.f_type == FUSE_SUPER_MAGIC;
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
	if (strcmp(type, "fuse.glusterfs") == 0)
		return "several boot servers can share it only while no brick fails: see docs/howto/several-servers.md";
	return "not tried with several boot servers";
}

/*
 * Describes the mount of a line of proc_pid_mountinfo(5), which is "ID ... -
 * TYPE SOURCE OPTIONS". False: it is the line of another mount than that with
 * the ID.
 */
static bool describe_line(const char *line, unsigned long long mount,
	char out[static FILE_SYSTEM_LINE_SIZE])
{
	const char *rest = strstr(line, " - ");
	char type[TYPE_SIZE];

	if (rest == NULL || strtoull(line, NULL, 10) != mount)
		return false;
	rest += strlen(" - ");
	snprintf(type, sizeof type, "%.*s", (int)strcspn(rest, " "), rest);
	snprintf(out, FILE_SYSTEM_LINE_SIZE, "%s: %s", type,
		file_system_judge(type, rest));
	return true;
}

/* Describes the mount with that ID. False: it is not known here. */
static bool describe_mount(
	unsigned long long mount, char out[static FILE_SYSTEM_LINE_SIZE])
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	bool is_found = false;

	while (file != NULL && !is_found &&
		fgets(line, sizeof line, file) != NULL)
		is_found = describe_line(line, mount, out);
	if (file != NULL)
		fclose(file);
	return is_found;
}

void file_system_describe(int fd, char out[static FILE_SYSTEM_LINE_SIZE])
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
		(st.stx_mask & STATX_MNT_ID) == 0 ||
		!describe_mount(st.stx_mnt_id, out))
		/* rare: an old kernel, or a mount of another namespace */
		snprintf(out, FILE_SYSTEM_LINE_SIZE, "unknown file system");
}
