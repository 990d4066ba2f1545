/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct tree;

/* The boot file that an entry leads to. */
struct target {
	int fd;           /* open for reading, or -1 */
	off_t size;       /* bytes */
	const char *type; /* Content-Type, in static storage */
};

/*
 * Opens the file that an entry leads to. entry counts from the root, such as
 * "once/10.0.0.7"; text is the entry's link as it was read, or NULL when the
 * entry is no link. All links are followed, and each place is checked. Returns
 * 0 or -errno: among others -EISDIR for a directory, -ENXIO for a fifo, a
 * device or a socket, -EXDEV for a file outside the allowed directories,
 * -ELOOP for links that lead in a circle.
 */
int target_open(const struct tree *tree, const char *entry, const char *text,
	struct target *out);

/*
 * The same, and tells each path that is tried on the way, as it counts from the
 * root or absolute: the last one is what was opened, or could not be.
 */
int target_trace(const struct tree *tree, const char *entry, const char *text,
	void (*step)(const char *path, void *context), void *context,
	struct target *out);

/*
 * Opens the tree's "default" if it is a file, which spares reading a link that
 * is not there. -ELOOP when it is a link, -ENOENT when there is nothing.
 */
int target_open_default(const struct tree *tree, struct target *out);

/* Closes the target, of the same tree, if it is open. */
void target_close(const struct tree *tree, struct target *target);
