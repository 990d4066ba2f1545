/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the beginning of a file is text: UTF-8, which may be cut off, or an
 * encoding of a language that is mostly ASCII.
 */
bool text_is(const char *bytes, size_t size);

/* Whether it is such text in UTF-16 of either byte order, of 4 letters up. */
bool text_is_utf16(const char *bytes, size_t size);
