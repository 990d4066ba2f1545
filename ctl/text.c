/* SPDX-License-Identifier: MIT */
/*
 * Tells text from machine code. Code has control characters among its first
 * bytes; programs that are too short for any have few letters instead.
 */
#include "ctl/text.h"

#include <string.h>

/* Bytes that are enough to tell. */
#define ENOUGH 1024

/* White space, the bell, backspace, the DOS end of file, colours by escape. */
static const char controls[] = "\t\n\v\f\r\a\b\x1a\x1b";

static bool has_control(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] < ' ' &&
			memchr(controls, bytes[i], sizeof controls - 1) == NULL)
			return true;
	}
	return false;
}

static size_t utf8_length(unsigned char first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
	                      : 0;
}

static bool is_utf8(const unsigned char *bytes, size_t size)
{
	size_t length;

	for (size_t i = 0; i < size; i += length) {
		length = utf8_length(bytes[i]);
		if (length == 0)
			return false;
		for (size_t next = i + 1; next < i + length && next < size;
			next++) {
			if ((bytes[next] & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

static bool is_mostly_ascii(const unsigned char *bytes, size_t size)
{
	size_t ascii = 0;

	for (size_t i = 0; i < size; i++)
		ascii += bytes[i] < 0x80;
	return ascii * 4 >= size * 3;
}

bool text_is(const char *bytes, size_t size)
{
	const unsigned char *at = (const unsigned char *)bytes;

	if (size > ENOUGH)
		size = ENOUGH;
	return !has_control(at, size) &&
	       (is_utf8(at, size) || is_mostly_ascii(at, size));
}

/* low: which one of two bytes has the lower half. */
static bool is_in_pairs(const char *bytes, size_t size, size_t low)
{
	char narrow[ENOUGH / 2];
	size_t used = 0;

	for (size_t i = 0; i + 1 < size && used < sizeof narrow; i += 2) {
		narrow[used] = bytes[i + low];
		if (bytes[i + 1 - low] != '\0')
			narrow[used] = '\xff'; /* no part of UTF-8 */
		used++;
	}
	return used >= 4 && text_is(narrow, used);
}

bool text_is_utf16(const char *bytes, size_t size)
{
	return is_in_pairs(bytes, size, 0) || is_in_pairs(bytes, size, 1);
}
