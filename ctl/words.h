/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

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
