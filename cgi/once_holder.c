/* SPDX-License-Identifier: MIT */
#include "once_holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "once_parts.h"
#include "tree.h"

/*
 * The process that a line of /proc/locks says has the lock on a file, or 0.
 * Those with an arrow wait for it.
 */
static pid_t holder_in(const char *line, const struct stat *file)
{
	char kind[16];
	unsigned int major_number, minor_number;
	unsigned long inode;
	long pid;

	if (sscanf(line, "%*d: %15s %*s %*s %ld %x:%x:%lu", kind, &pid,
		    &major_number, &minor_number, &inode) != 5 ||
		kind[0] == '-' || inode != file->st_ino ||
		makedev(major_number, minor_number) != file->st_dev)
		return 0;
	return (pid_t)pid;
}

/* The same of whole lines; the rest of a line is moved to the front. */
static pid_t holder_in_lines(char *bytes, size_t *have, const struct stat *file)
{
	char *line = bytes, *end;
	pid_t holder = 0;

	while (holder == 0 && (end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		holder = holder_in(line, file);
		line = end + 1;
	}
	*have = strlen(line);
	memmove(bytes, line, *have);
	return holder;
}

pid_t once_holder(const struct tree *tree)
{
	char bytes[4096];
	size_t have = 0;
	struct stat file;
	pid_t holder = 0;
	ssize_t n;

	if (fstatat(tree->root, ONCE_LOCK, &file, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	const int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (holder == 0 &&
		(n = read(fd, bytes + have, sizeof bytes - 1 - have)) > 0) {
		have += (size_t)n;
		bytes[have] = '\0';
		holder = holder_in_lines(bytes, &have, &file);
	}
	close(fd);
	return holder;
}
