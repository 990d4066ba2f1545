/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Reads words and lines of a file in constant memory. */

#define WORDS_MAX 32
#define WORD_SIZE 256  /* bytes; longer words are cut off */
#define LINE_SIZE 4096 /* bytes; longer lines don't fit */

/* The first words of a line or a statement. */
struct words {
	char text[WORDS_MAX][WORD_SIZE];
	unsigned count;
	bool are_all; /* nothing was left out or cut off */
	int end;      /* character after them; EOF: maybe cut off */
};

/* Whether a character is text; bytes of UTF-8 are. */
bool words_is_text(int c);

bool words_has(const struct words *words, unsigned at, const char *text);

/* The text of a quoted word, in place. NULL: not quoted, or cut off. */
const char *words_unquote(char *word);

/* False: no more lines. end is 0 after a control character. */
bool words_line(FILE *file, struct words *out);

/*
 * As words_line(), for statements, which end at ; { or }. # begins a comment,
 * and commas are blanks. A string is one word that keeps its quotes. Without
 * long strings, a newline ends a string and its statement; end is then a
 * newline.
 */
bool words_statement(FILE *file, bool has_long_strings, struct words *out);

struct line {
	char text[LINE_SIZE]; /* without blanks around it */
	bool fits;
	bool is_text;  /* no control characters */
	bool is_whole; /* has its newline: a last line may be cut off */
};

/* False: no more lines. */
bool line_read(FILE *file, struct line *out);

/* Removes blanks around a text, in place. Returns where it begins. */
char *line_trim(char *text);
