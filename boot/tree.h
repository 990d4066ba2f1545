/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tree_cache;

/* The boot file of every client without an entry. */
#define TREE_DEFAULT "default"

/* The directory of permanent entries. That of one-time links is ONCE_DIR. */
#define STATIC_DIR "static"

/* Links in a row that are followed: as many as path_resolution(7) says. */
#define TREE_LINKS_MAX 40

/*
 * The tree that the answers come from. The root is looked for anew for each
 * request, since it may be a symbolic link that somebody moves.
 */
struct tree {
	int root;          /* O_PATH descriptor of the root directory */
	const char *path;  /* the root as it was configured */
	const char *allow; /* further directories, colon-separated */
	bool is_shared;    /* root or once/ is on a network's file system */
	struct tree_cache *cache; /* owns root; NULL: the tree does */
};

/* Opens the tree. 0 or -errno. The strings must outlive it. */
int tree_open(const char *root, const char *allow, struct tree *out);

/* The same of a root that is open, and is the tree's from here on. */
void tree_from_root(
	int root, const char *path, const char *allow, struct tree *out);

/* Closes the root, unless a cache owns it. */
void tree_close(struct tree *tree);

/*
 * A hash of the root's path as it was configured: from 0 to slots - 1.
 */
size_t tree_slot(const char *root, size_t slots);

/*
 * Opens path, which counts from the root when it is relative, with open(2)'s
 * flags and O_CLOEXEC, if what is there lies beneath the root or beneath an
 * allowed directory. The last component is not followed when it is a link.
 * Returns a descriptor, -EXDEV when it lies elsewhere, -ELOOP when it is a
 * link, or another -errno.
 */
int tree_open_at(const struct tree *tree, const char *path, int flags);

/*
 * Reads the text of the symbolic link at path, which counts from the root. 0;
 * -EINVAL when something else is there, -ENAMETOOLONG when the text does not
 * fit, or another -errno.
 */
int tree_read_link(
	const struct tree *tree, const char *path, char out[static PATH_MAX]);

/* The same of a path that counts from an open directory. */
int tree_read_link_at(
	int directory, const char *path, char out[static PATH_MAX]);

/*
 * If the tree is shared, has the kernel ask the server which file a path from
 * the root leads to. Otherwise the kernel may use the file that it remembers,
 * although another machine has put a new one in its place. It would even rename
 * the new one and go on to read the old one.
 */
void tree_look_up_anew(const struct tree *tree, const char *path);

/*
 * If the tree is shared, has the kernel ask the server whether a directory has
 * changed. Otherwise it may not see a new name there for half a minute.
 */
void tree_look_for_changes(const struct tree *tree, const char *directory);

/*
 * Renames a link, by paths from the root, without ever replacing something. On
 * NFS it takes two steps: a crash between them leaves the link at both names.
 * 0, -EEXIST when there is something at to, or another -errno.
 */
int tree_move(const struct tree *tree, const char *from, const char *to);

/*
 * Opens "default" as tree_open_at() would, by way of the cache where the tree
 * has one. If it is known to be a file, size gets its bytes, else -1.
 */
int tree_open_default(const struct tree *tree, int flags, off_t *size);

/* Closes a file of the tree, or gives it back to the cache that lent it. */
void tree_close_file(const struct tree *tree, int fd);

/*
 * Returns the root's descriptor, which the caller must close. Tree and cache
 * have it no more. (In tree_cache.c, as tree_open_default() and
 * tree_close_file().)
 */
int tree_take_root(struct tree *tree);

/*
 * Calls back for each entry of the directory at path, which counts from the
 * root, with its name; not for "." and "..". 0, also where there is no such
 * directory, or -errno.
 */
int tree_each(const struct tree *tree, const char *path,
	void (*found)(const char *name, void *context), void *context);

/*
 * What is left of an absolute path below the root's configured path, without
 * a leading slash ("." for the root itself); NULL when it does not begin with
 * that path. This compares names only: opening is what confines.
 */
const char *tree_strip(const struct tree *tree, const char *path);

/*
 * Writes the absolute path of an open file, free of links. 0, -ENAMETOOLONG
 * when it does not fit, or another -errno. Needs /proc.
 */
int tree_absolute_path(int fd, char *out, size_t size);

/*
 * Writes the same path as it counts from the root, without a leading slash,
 * or, when the file does not lie beneath the root, absolute. 0 or -errno.
 */
int tree_relative_path(const struct tree *tree, int fd, char *out, size_t size);
