/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct tree;

/* The directory of GRUB's files. */
#define GRUB_DIR "grub"

#define GRUB_PATH_SIZE (NAME_MAX + 32)

/*
 * Writes the path of a client's own GRUB configuration, beneath the root:
 * grub/<version>/grub.cfg-<hex>. version is one path component, hex the IPv4
 * address as GRUB writes it.
 */
void grub_path(
	const char *version, const char *hex, char out[static GRUB_PATH_SIZE]);

/*
 * Removes that file, or, with look_only, tells whether it could be there to
 * remove. 0, -ENOENT when there is none, or another -errno.
 */
int grub_clear(const struct tree *tree, const char *path, bool look_only);
