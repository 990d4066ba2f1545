/* SPDX-License-Identifier: MIT */
/* Parses whole numbers from settings, options and other programs' output. */
#include "boot/number.h"

#include <errno.h>
#include <stdlib.h>

bool number_parse(
	const char *text, int base, unsigned min, unsigned max, unsigned *out)
{
	/* strtoul(3) would accept spaces and a sign. */
	if (text[0] < '0' || text[0] > '9')
		return false;

	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, base);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return false;

	*out = (unsigned)value;
	return true;
}
