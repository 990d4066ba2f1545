/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Parses text as a whole number from min to max in base 8 or 10. Only digits:
 * no sign, space or unit. Returns false, with out untouched, for other text.
 */
bool number_parse(
	const char *text, int base, unsigned min, unsigned max, unsigned *out);
