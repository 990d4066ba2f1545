/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Reads text as a whole number from min to max, in base 8 or 10. Nothing but
 * digits may stand there: no sign, no space, no unit. False when it is no
 * such number; out is then untouched.
 */
bool number_parse(
	const char *text, int base, unsigned min, unsigned max, unsigned *out);
