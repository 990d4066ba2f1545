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

/* Reads type and options of a mount: proc_pid_mountinfo(5). False: unknown. */
static bool read_mount(unsigned long long mount, char type[static TYPE_SIZE],
	char *line, int size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool is_found = false;

	while (file != NULL && !is_found && fgets(line, size, file) != NULL) {
		unsigned long long id;
		const char *rest = strstr(line, " - ");
		is_found = rest != NULL && sscanf(line, "%llu", &id) == 1 &&
		           id == mount && sscanf(rest, " - %63s", type) == 1;
	}
	if (file != NULL)
		fclose(file);
	return is_found;
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
	struct statx st;
	char type[TYPE_SIZE], line[4096];

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
		(st.stx_mask & STATX_MNT_ID) == 0 ||
		!read_mount(st.stx_mnt_id, type, line, sizeof line))
		/* rare: an old kernel, or a mount of another namespace */
		snprintf(out, FILE_SYSTEM_LINE_SIZE, "unknown file system");
	else
		snprintf(out, FILE_SYSTEM_LINE_SIZE, "%s: %s", type,
			file_system_judge(type, strstr(line, " - ")));
}
