/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct tree;

struct target {
	int fd;           /* open for reading, or -1 */
	off_t size;       /* bytes */
	const char *type; /* Content-Type, in static storage */
};

/*
 * Opens the file that an entry leads to. entry is relative to the root, such as
 * "once/10.0.0.7"; text is the text of the entry's link, or NULL if it is not a
 * link. Follows all links and checks each place. Returns 0 or -errno, such as
 * -EISDIR for a directory, -ENXIO for a fifo, device or socket, -EXDEV for a
 * file outside the allowed directories, -ELOOP for a loop of links, -ESTALE if
 * another server has just replaced the file: then another try finds the new
 * one.
 */
int target_open(const struct tree *tree, const char *entry, const char *text,
	struct target *out);

/*
 * As target_open(). Calls step for each path on the way, relative to the root
 * or absolute; the last path is the one that was opened or failed.
 */
int target_trace(const struct tree *tree, const char *entry, const char *text,
	void (*step)(const char *path, void *context), void *context,
	struct target *out);

/*
 * Opens "default" if it is a file, without trying to read a link. Returns 0,
 * -ELOOP if it is a link, -ENOENT if there is none, or another -errno.
 */
int target_open_default(const struct tree *tree, struct target *out);

/* Closes the target if it is open. tree is the one that it was opened in. */
void target_close(const struct tree *tree, struct target *target);
