/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct tree;

/*
 * Why an open file is unlikely to boot, judged by its content and, for a text,
 * by its place in the tree. NULL: nothing speaks against it. This is a warning,
 * not an error: a PXE boot program has no magic number, so any binary of the
 * right size may be one. The text is static.
 */
const char *boot_file_doubt(const struct tree *tree, int fd);

/*
 * Whether the beginning of a file is text: UTF-8, possibly cut off, or an
 * encoding that is mostly ASCII.
 */
bool text_is(const char *bytes, size_t size);

/* The same for UTF-16 of either byte order, of at least 4 characters. */
bool text_is_utf16(const char *bytes, size_t size);
