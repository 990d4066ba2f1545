/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct ctl;
struct tree;

/*
 * Opens a directory of the tree, for entries to be made and removed in it: an
 * O_PATH descriptor, or -errno, with a message. Root does not follow a link
 * that somebody else has made: it could lead to any directory of the system.
 */
int directory_open(const struct ctl *ctl, const char *name);

/*
 * Whose a directory of the root is; that of a link is who made it, but for
 * root, who is believed. 0 or -errno.
 */
int directory_owner(const struct tree *tree, const char *name, uid_t *out);
