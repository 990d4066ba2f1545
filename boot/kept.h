/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "boot/target.h"

struct tree;

/*
 * What one thread keeps open from one request to the next: the root, and the
 * file "default". Opening and closing them is the larger part of what a request
 * costs. Each request asks the file system whether the names still lead to just
 * these, unchanged, so that no answer is stale.
 */
struct kept {
	int root; /* O_PATH descriptor, or -1 */
	struct statx root_was;
	struct target boot_file; /* fd -1: none */
	struct statx boot_file_was;
};

void kept_init(struct kept *out);

/* Closes what is kept: while nothing happens, nobody's umount(8) is in the way.
 */
void kept_release(struct kept *kept);

/*
 * As tree_open(), for a tree whose root and default are kept. One request at a
 * time has it. The strings and kept must outlive it.
 */
int kept_tree_open(struct kept *kept, const char *root, const char *allow,
	struct tree *out);

/*
 * Opens the tree's default, if it is a file, as target_open_file() does. 0;
 * -ELOOP when it is a link, -ENOENT when there is none, or another -errno.
 */
int kept_default_open(const struct tree *tree, struct target *out);

/*
 * A request's answer goes on after the request. It has taken over the file, or
 * takes over the root, which is returned: they are kept no more.
 */
void kept_forget_target(const struct tree *tree, const struct target *target);
int kept_give_root(struct tree *tree);
