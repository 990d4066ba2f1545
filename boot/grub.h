/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct tree;

#define GRUB_DIR "grub"

#define GRUB_PATH_SIZE (NAME_MAX + 32)

/*
 * Writes grub/<version>/grub.cfg-<hex>, the path of a client's configuration
 * beneath the root. version is one path component; hex is as in struct client.
 */
void grub_path(
	const char *version, const char *hex, char out[static GRUB_PATH_SIZE]);

/*
 * Removes the GRUB configuration at path. look_only: only checks whether it
 * could be removed. Returns 0, -ENOENT if there is none, or another -errno.
 */
int grub_clear(const struct tree *tree, const char *path, bool look_only);
