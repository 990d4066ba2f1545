/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * Builds a string piece by piece; what does not fit is cut off. Each request
 * does this several times, so it goes without printf(3).
 */
struct text {
	char *out;     /* always ends with a NUL */
	size_t size;   /* bytes of room, the NUL's included; at least 1 */
	size_t length; /* so far */
};

/* Begins an empty text in out, which has room for size bytes. */
void text_begin(struct text *text, char *out, size_t size);

void text_add(struct text *text, const char *more);

/* Adds a number, padded on the left with zeros to digits places (20 at most).
 */
void text_add_number(struct text *text, unsigned long long n, unsigned digits);

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
