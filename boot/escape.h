/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * Writes text so that it stays on one line and inside quotes: backslash,
 * quote and all that is not printable ASCII become \xHH. Cuts off what does
 * not fit into size bytes, NUL included. Returns the length.
 */
size_t escape_line(const char *text, char *out, size_t size);

/* The same, and no blank either: what is written is one word. */
size_t escape_word(const char *text, char *out, size_t size);

/*
 * Percent-encodes a path for a header line (RFC 3986, section 2.1); slashes
 * stay. Returns the length, or 0 when it does not fit.
 */
size_t escape_path(const char *path, char *out, size_t size);
