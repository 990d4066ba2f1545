/* SPDX-License-Identifier: MIT */
/*
 * Builds text for clients, the log and people in buffers of fixed size, and
 * escapes it so that no input can forge a second line.
 */
#include "boot/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Digits of the largest number: 2^64 has 20. */
#define DIGITS_MAX 20

void text_begin(struct text *text, char *out, size_t size)
{
	*text = (struct text){.out = out, .size = size};
	out[0] = '\0';
}

void text_add(struct text *text, const char *more)
{
	const size_t length = strlen(more);
	const size_t room = text->size - 1 - text->length;
	const size_t fits = length < room ? length : room;

	memcpy(text->out + text->length, more, fits);
	text->length += fits;
	text->out[text->length] = '\0';
}

void text_add_number(struct text *text, unsigned long long n, unsigned digits)
{
	char number[DIGITS_MAX + 1];
	char *first = number + DIGITS_MAX;

	*first = '\0';
	do {
		*--first = (char)('0' + n % 10);
		n /= 10;
		digits -= digits > 0;
	} while (n > 0 || (digits > 0 && first > number));
	text_add(text, first);
}

static const char hex[] = "0123456789ABCDEF";

/* Escapes everything but printable ASCII from first on. */
static size_t escape_except(
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
	return escape_except(text, ' ', out, size);
}

size_t escape_word(const char *text, char *out, size_t size)
{
	return escape_except(text, ' ' + 1, out, size);
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

size_t text_slot(const char *text, size_t slots)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash % slots;
}
