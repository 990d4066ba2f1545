/* SPDX-License-Identifier: MIT */
/* Names the process that holds the lock on once/, for messages. */
#include "ctl/holder.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "boot/once_lock.h"
#include "boot/text.h"

/* The command that a process runs. It chooses the text itself. False: gone. */
static bool read_command(pid_t pid, char *out, size_t size)
{
	char path[64], text[64];
	ssize_t n = -1;

	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	escape_line(text, out, size);
	return true;
}

void holder_name(const struct tree *tree, char *out, size_t size)
{
	const pid_t pid = once_lock_holder(tree);
	char command[128];

	if (pid <= 0)
		snprintf(out, size, "a process that can't be seen from here");
	else if (read_command(pid, command, sizeof command))
		snprintf(out, size, "pid %ld (%s)", (long)pid, command);
	else
		snprintf(out, size, "pid %ld", (long)pid);
}
