/* SPDX-License-Identifier: MIT */
#include "boot/once_holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "boot/once_parts.h"
#include "boot/tree.h"

#define PLACE_SIZE 64

/*
 * The process that a line of /proc/locks says has the lock on a file, or 0. Its
 * number stands before the file's place. Lines with an arrow are of those who
 * wait.
 */
static pid_t holder_in(const char *line, const char place[static PLACE_SIZE])
{
	const char *word = strstr(line, place);

	if (word == NULL || strstr(line, "->") != NULL)
		return 0;
	while (word > line && word[-1] != ' ')
		word--;
	const long pid = strtol(word, NULL, 10);
	return pid > 0 ? (pid_t)pid : 0;
}

/* The same of whole lines; the rest of a line is moved to the front. */
static pid_t holder_in_lines(
	char *bytes, size_t *have, const char place[static PLACE_SIZE])
{
	char *line = bytes, *end;
	pid_t holder = 0;

	while (holder == 0 && (end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		holder = holder_in(line, place);
		line = end + 1;
	}
	*have = strlen(line);
	memmove(bytes, line, *have);
	return holder;
}

pid_t once_holder(const struct tree *tree)
{
	char bytes[4096], place[PLACE_SIZE];
	size_t have = 0;
	struct stat file;
	pid_t holder = 0;
	ssize_t n;

	if (fstatat(tree->root, ONCE_LOCK, &file, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	snprintf(place, sizeof place, " %02x:%02x:%lu ", major(file.st_dev),
		minor(file.st_dev), (unsigned long)file.st_ino);
	const int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (holder == 0 &&
		(n = read(fd, bytes + have, sizeof bytes - 1 - have)) > 0) {
		have += (size_t)n;
		bytes[have] = '\0';
		holder = holder_in_lines(bytes, &have, place);
	}
	close(fd);
	return holder;
}
