/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/*
 * What there is to say against an open file as a boot file, by its first bytes
 * and by its place in the tree; NULL when some firmware runs it. A warning, not
 * an error: there are more formats than are known here.
 */
const char *boot_file_doubt(const struct tree *tree, int fd);
