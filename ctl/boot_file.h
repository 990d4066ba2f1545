/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/*
 * Returns why an open file is unlikely to boot, judged by its content and a
 * text's place in the tree, or NULL. Only a warning: a PXE boot program has no
 * magic number, so any binary of the right size may be one. Static storage.
 */
const char *boot_file_doubt(const struct tree *tree, int fd);
