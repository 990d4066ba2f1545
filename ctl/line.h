/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

/* What a line may have, the NUL that is put behind it included. */
#define LINE_SIZE 65536

enum line {
	LINE_END,  /* there is none any more, or a read failed: ferror(3) */
	LINE_TEXT, /* a string, without the newline */
	LINE_NUL,  /* it has a NUL byte, so it is no string */
	LINE_LONG, /* it did not fit */
};

/*
 * Reads a line to its end, whatever its length, in constant memory. Only after
 * LINE_TEXT is it all in out. The last one counts without a newline, too; but
 * not where a read failed, since the rest may be missing.
 */
enum line line_read(FILE *file, char out[static LINE_SIZE]);
