/* SPDX-License-Identifier: MIT */
/* Parses what machines say of themselves into the text that names entries. */
#include "boot/identity.h"

#include <stddef.h>
#include <string.h>

#include "boot/client.h"

#define MAC_DIGITS 12
#define UUID_DIGITS 32

static bool is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

static char to_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/*
 * Reads size hexadecimal digits, with mark before each digit whose number is in
 * places (bit n: digit n). Writes them in lower case. False: text differs.
 */
static bool read_digits(const char *text, size_t size, char mark,
	unsigned long places, char *out)
{
	for (size_t i = 0; i < size; i++) {
		if ((places >> i & 1) && *text++ != mark)
			return false;
		if (!is_hex_digit(*text))
			return false;
		out[i] = to_lower(*text++);
	}
	return *text == '\0';
}

/* Writes the digits with mark before those in places, as of read_digits(). */
static void write_digits(const char *digits, size_t size, char mark,
	unsigned long places, char *out)
{
	for (size_t i = 0; i < size; i++) {
		if (places >> i & 1)
			*out++ = mark;
		*out++ = digits[i];
	}
	*out = '\0';
}

/* Before every second digit but the first. */
#define MAC_PLACES 0x554UL
/* Before the digits 8, 12, 16 and 20. */
#define UUID_PLACES 0x111100UL

static bool read_mac(const char *text, char digits[static MAC_DIGITS])
{
	return read_digits(text, MAC_DIGITS, ':', MAC_PLACES, digits) ||
	       read_digits(text, MAC_DIGITS, '-', MAC_PLACES, digits) ||
	       read_digits(text, MAC_DIGITS, '\0', 0, digits);
}

bool identity_parse_mac(const char *text, char out[static MAC_KEY_SIZE])
{
	char digits[MAC_DIGITS];

	if (!read_mac(text, digits))
		return false;
	/* The lowest bit of the first byte is that of a group. */
	if (strchr("13579bdf", digits[1]) != NULL ||
		strncmp(digits, "000000000000", MAC_DIGITS) == 0)
		return false;
	write_digits(digits, MAC_DIGITS, ':', MAC_PLACES, out);
	return true;
}

bool identity_parse_uuid(const char *text, char out[static UUID_KEY_SIZE])
{
	char digits[UUID_DIGITS];

	if (!read_digits(text, UUID_DIGITS, '-', UUID_PLACES, digits))
		return false;
	write_digits(digits, UUID_DIGITS, '-', UUID_PLACES, out);
	return true;
}

/* Whether all bytes of a UUID are the same, such as zeros, ones, or "fe". */
static bool repeats_one_byte(const char *uuid)
{
	for (const char *at = uuid; *at != '\0'; at += 2) {
		at += *at == '-';
		if (strncmp(at, uuid, 2) != 0)
			return false;
	}
	return true;
}

bool identity_is_shared_uuid(const char *uuid)
{
	/* What board makers leave in place of a UUID, in both byte orders. */
	static const char *const placeholders[] = {
		"00010203-0405-0607-0809-0a0b0c0d0e0f",
		"00020003-0004-0005-0006-000700080009",
		"03000200-0400-0500-0006-000700080009",
		"03020100-0504-0706-0809-0a0b0c0d0e0f",
		"10000000-0000-8000-0040-000000000000",
		"12345678-1234-5678-90ab-cddeefaabbcc",
		"78563412-3412-7856-90ab-cddeefaabbcc",
	};

	for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0];
		i++) {
		if (strcmp(uuid, placeholders[i]) == 0)
			return true;
	}
	return repeats_one_byte(uuid);
}

/* The locale must not matter, so no isalnum(3). */
static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool identity_is_name(const char *text)
{
	char digits[MAC_DIGITS], uuid[UUID_KEY_SIZE];
	struct client client;
	size_t length = 0;

	for (; text[length] != '\0'; length++) {
		if (length == KEY_SIZE - 1 || !is_name_byte(text[length]))
			return false;
	}
	return length > 0 && text[0] != '.' && !client_parse(text, &client) &&
	       !read_mac(text, digits) && !identity_parse_uuid(text, uuid);
}
