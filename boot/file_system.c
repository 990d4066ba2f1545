/* SPDX-License-Identifier: MIT */
/* What kind of file system the tree is on. */
#include "boot/file_system.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

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
