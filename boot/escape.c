/* SPDX-License-Identifier: MIT */
#include "boot/escape.h"

#include <stdbool.h>
#include <string.h>

static const char hex[] = "0123456789ABCDEF";

/* Leaves printable ASCII from first on. */
static size_t escape_below(
	const char *text, unsigned char first, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= first && c < 0x7f && c != '"' && c != '\\';
		if (n + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return n;
}

size_t escape_line(const char *text, char *out, size_t size)
{
	return escape_below(text, ' ', out, size);
}

size_t escape_word(const char *text, char *out, size_t size)
{
	return escape_below(text, ' ' + 1, out, size);
}

/* RFC 3986, section 2.3, and the slash */
static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~/", c));
}

size_t escape_path(const char *path, char *out, size_t size)
{
	size_t n = 0;

	for (; *path != '\0'; path++) {
		unsigned char c = (unsigned char)*path;
		if (n + 3 >= size)
			return 0;
		if (is_unreserved(*path)) {
			out[n++] = *path;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return n;
}
