/* SPDX-License-Identifier: MIT */
/* Landlock by system calls, because the C library has no functions for it. */
#include "fcgi/sandbox/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Constants up to version 7 of the interface. The kernel never changes them,
 * but its header may be older: Debian 12 has version 2. So what a header may
 * lack is defined here, under names of our own.
 */
#define FS_TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define NET_TCP UINT64_C(3)              /* version 4: bind, connect */
#define SCOPES UINT64_C(3)               /* version 6 */
#define VERSION_TRUNCATE 3
#define VERSION_IOCTL_DEV 5
#define VERSION_SCOPES 6

/* struct landlock_ruleset_attr. Its size tells which fields exist. */
struct attributes {
	uint64_t fs;     /* all versions */
	uint64_t net;    /* version 4 */
	uint64_t scoped; /* version 6: abstract Unix sockets, signals */
};

#define FILE_RIGHTS                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
		LANDLOCK_ACCESS_FS_READ_FILE)

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	return version < 0 ? -errno : (int)version;
}

static uint64_t fs_rights(int version)
{
	/* All rights of version 2, from EXECUTE, the first bit, to REFER. */
	uint64_t rights = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;

	if (version >= VERSION_TRUNCATE)
		rights |= FS_TRUNCATE;
	if (version >= VERSION_IOCTL_DEV)
		rights |= FS_IOCTL_DEV;
	return rights;
}

int landlock_open(int version, bool files, struct landlock *out)
{
	struct attributes attributes = {0};
	size_t size = offsetof(struct attributes, net);

	if (files)
		attributes.fs = fs_rights(version);
	if (version >= LANDLOCK_NETWORK) {
		attributes.net = NET_TCP;
		size = offsetof(struct attributes, scoped);
	}
	if (version >= VERSION_SCOPES) {
		attributes.scoped = SCOPES;
		size = sizeof attributes;
	}
	long fd = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
	if (fd < 0)
		return -errno;
	*out = (struct landlock){.fd = (int)fd, .handled = attributes.fs};
	return 0;
}

int landlock_allow(const struct landlock *landlock, int fd, uint64_t rights)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rights &= FILE_RIGHTS;

	const struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & landlock->handled,
		.parent_fd = fd,
	};
	return syscall(SYS_landlock_add_rule, landlock->fd,
		       LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
	               ? -errno
	               : 0;
}

int landlock_enter(struct landlock *landlock)
{
	long done = syscall(SYS_landlock_restrict_self, landlock->fd, 0);
	int err = done < 0 ? -errno : 0;

	landlock_close(landlock);
	return err;
}

void landlock_close(struct landlock *landlock)
{
	close(landlock->fd);
	landlock->fd = -1;
}
