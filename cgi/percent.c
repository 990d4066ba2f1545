/* SPDX-License-Identifier: MIT */
/* Decodes what browsers and firmware percent-encode. */
#include "cgi/percent.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes the two digits of an octet. Returns -1 for other text. */
static int decode_octet(const char *text, size_t length)
{
	const int high = length < 2 ? -1 : hex_digit(text[0]);
	const int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

bool percent_decode(const char *text, size_t length, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		int c = (unsigned char)text[i];
		if (c == '%') {
			c = decode_octet(text + i + 1, length - i - 1);
			i += 2;
		}
		if (c <= 0 || n == size - 1)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}
