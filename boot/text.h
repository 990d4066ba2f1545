/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* A string built piece by piece, cut off at size. Faster than printf(3). */
struct text {
	char *out;     /* always ends with a NUL */
	size_t size;   /* bytes, including the NUL; at least 1 */
	size_t length; /* bytes, without the NUL */
};

/* Begins an empty text in out, which has size bytes. */
void text_begin(struct text *text, char *out, size_t size);

void text_add(struct text *text, const char *more);

/* Adds n, padded with zeros to this number of digits (20 at most). */
void text_add_number(struct text *text, unsigned long long n, unsigned digits);

/*
 * Escapes text for one line and for quotes: backslash, quote and everything but
 * printable ASCII become \xHH. Cuts off what does not fit in size bytes,
 * including the NUL. Returns the length.
 */
size_t escape_line(const char *text, char *out, size_t size);

/* As escape_line(), but also escapes blanks: the result is one word. */
size_t escape_word(const char *text, char *out, size_t size);

/*
 * Percent-encodes a path, except slashes, for a header (RFC 3986, section 2.1).
 * Returns the length, or 0 if it does not fit.
 */
size_t escape_path(const char *path, char *out, size_t size);

/* Hashes text to a number from 0 to slots - 1. */
size_t text_slot(const char *text, size_t slots);
