/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct tree;

/*
 * Why an open file is unlikely to boot, by its content and, for texts, by its
 * place in the tree; NULL when nothing speaks against it. A warning, not an
 * error: a boot program of PXE has no signature, so any binary of its size may
 * be one. The text is static.
 */
const char *boot_file_doubt(const struct tree *tree, int fd);

/*
 * Whether the beginning of a file is text: UTF-8, which may be cut off, or an
 * encoding of a language that is mostly ASCII.
 */
bool text_is(const char *bytes, size_t size);

/* Whether it is such text in UTF-16 of either byte order, of 4 letters up. */
bool text_is_utf16(const char *bytes, size_t size);
