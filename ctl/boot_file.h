/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/*
 * Why an open file is unlikely to boot, by its content and, for texts, by its
 * place in the tree; NULL when nothing speaks against it. A warning, not an
 * error: a boot program of PXE has no signature, so any binary of its size may
 * be one. The text is static.
 */
const char *boot_file_doubt(const struct tree *tree, int fd);
