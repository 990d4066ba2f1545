/* SPDX-License-Identifier: MIT */
#include "boot/text.h"

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
