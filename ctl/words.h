/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
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

#define WORDS_MAX 8
#define WORD_SIZE 64 /* bytes; what is longer is cut off */

/* The first words of a line or of a statement. */
struct words {
	char text[WORDS_MAX][WORD_SIZE];
	unsigned count;
	int end; /* the character that ended it; EOF: it may be cut off */
};

/*
 * The next line of a file. False: there is none. 0 as end: it has a character
 * that no text has.
 */
bool words_line(FILE *file, struct words *out);

/*
 * As words_line(), of statements that end at ; { or }, with comments behind #.
 * A string is one word, which keeps its first quote. It ends with its line at
 * the latest, and then so does the statement, whose end is a newline.
 */
bool words_statement(FILE *file, struct words *out);
