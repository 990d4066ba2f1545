/* SPDX-License-Identifier: MIT */
/*
 * Cuts what a program sends to sockets and pipes: of its calls the first takes
 * one byte, the next two, and so on, and after SHORT_WRITES bytes one again.
 * The kernel may do that too, but cuts at few places. For LD_PRELOAD.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t cut(int fd, size_t size)
{
	static atomic_ulong count;
	const char *longest = getenv("SHORT_WRITES");
	struct stat st;

	if (longest == NULL || fstat(fd, &st) < 0 ||
		!(S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)))
		return size;
	const size_t limit = 1 + count++ % strtoul(longest, NULL, 10);
	return size < limit ? size : limit;
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	return syscall(
		SYS_sendto, fd, bytes, cut(fd, size), flags, NULL, (size_t)0);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	return syscall(SYS_write, fd, bytes, cut(fd, size));
}
