/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tree_cache;

/* The boot file of clients without an entry. */
#define TREE_DEFAULT "default"

/* The directory of permanent entries; ONCE_DIR has the one-time links. */
#define STATIC_DIR "static"

/* The most links in a row that are followed, as in path_resolution(7). */
#define TREE_LINKS_MAX 40

/*
 * The tree that answers come from. Each request looks for the root again, since
 * it may be a symbolic link that somebody switches.
 */
struct tree {
	int root;          /* O_PATH descriptor of the root directory */
	const char *path;  /* the root's configured path */
	const char *allow; /* further directories, colon-separated */
	bool is_shared;    /* root or once/ is on a network file system */
	struct tree_cache *cache; /* owner of root; NULL: this struct */
};

/* Opens the tree. Returns 0 or -errno. The strings must outlive the tree. */
int tree_open(const char *root, const char *allow, struct tree *out);

/* The same of a root that is open, and is the tree's from here on. */
void tree_from_root(
	int root, const char *path, const char *allow, struct tree *out);

/* Closes the root, unless a cache owns it. */
void tree_close(struct tree *tree);

/*
 * Opens path with open(2)'s flags and O_CLOEXEC, if the file is beneath the
 * root or an allowed directory. A relative path starts at the root. A link in
 * the last component is not followed. Returns a descriptor, -EXDEV if the file
 * is elsewhere, -ELOOP if it is a link, or another -errno.
 */
int tree_open_at(const struct tree *tree, const char *path, int flags);

/*
 * Reads the text of a link; path is relative to the root. Returns 0, -EINVAL if
 * path is not a link, -ENAMETOOLONG if out is too small, or another -errno.
 */
int tree_read_link(
	const struct tree *tree, const char *path, char out[static PATH_MAX]);

/* As tree_read_link(), but path is relative to an open directory. */
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
 * Renames a link, never replacing anything; both paths are relative to the
 * root. On NFS, a crash between its two steps leaves the link under both names.
 * Returns 0, -EEXIST if to exists, or another -errno.
 */
int tree_move(const struct tree *tree, const char *from, const char *to);

/* Directories that many trees do without. */
enum tree_optional {
	TREE_NAMES,
	TREE_SUBNET,
	TREE_UNTIL,
	TREE_OPTIONAL_COUNT,
};

/*
 * Whether the root has no such entry, if the cache can tell, which saves a
 * look-up. False: look.
 */
bool tree_lacks(const struct tree *tree, enum tree_optional directory);

/*
 * As tree_open_at() of "default", through the cache if the tree has one. size
 * gets the bytes of a file that is in the cache, else -1.
 */
int tree_open_default(const struct tree *tree, int flags, off_t *size);

/* Closes a file of the tree, or returns it to the cache that lent it. */
void tree_close_file(const struct tree *tree, int fd);

/*
 * Returns the root's descriptor, which the caller must close: tree and cache no
 * longer own it. Defined in tree_cache.c, like tree_open_default().
 */
int tree_take_root(struct tree *tree);

/*
 * Calls found with each name but "." and ".." in the directory at path,
 * relative to the root. Returns 0, even without such a directory, or -errno.
 */
int tree_each(const struct tree *tree, const char *path,
	void (*found)(const char *name, void *context), void *context);

/*
 * Strips the root's configured path from an absolute path. Returns the rest
 * without a leading slash ("." for the root), or NULL if path begins otherwise.
 * Compares names only; tree_open_at() is what confines.
 */
const char *tree_strip(const struct tree *tree, const char *path);

/*
 * Writes the absolute path of an open file, without links. Returns 0,
 * -ENAMETOOLONG if it does not fit, or another -errno. Needs /proc.
 */
int tree_absolute_path(int fd, char *out, size_t size);

/*
 * Writes the path of an open file relative to the root, or its absolute path if
 * it is not beneath the root. Returns 0 or -errno. Needs /proc.
 */
int tree_relative_path(const struct tree *tree, int fd, char *out, size_t size);
