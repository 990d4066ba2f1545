/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/*
 * Why an open file is unlikely to boot, judged by its content and, for a text,
 * by its place in the tree. NULL: nothing speaks against it. This is a warning,
 * not an error: a PXE boot program has no magic number, so any binary of the
 * right size may be one. The text is static.
 */
const char *boot_file_doubt(const struct tree *tree, int fd);
