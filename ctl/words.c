/* SPDX-License-Identifier: MIT */
/*
 * Reads one character after the other into a fixed size, so that no file,
 * however long its lines are, takes memory.
 */
#include "ctl/words.h"

#include <stdbool.h>
#include <string.h>

enum line line_read(FILE *file, char out[static LINE_SIZE])
{
	bool has_nul = false;
	size_t length = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		has_nul = has_nul || c == '\0';
		if (length < LINE_SIZE)
			out[length++] = (char)c;
	}
	if (c == EOF && (length == 0 || ferror(file)))
		return LINE_END;
	if (length == LINE_SIZE)
		return LINE_LONG;
	out[length] = '\0';
	return has_nul ? LINE_NUL : LINE_TEXT;
}

#define BLANKS " \t\r\n\f\v"

struct reading {
	FILE *file;
	struct words *words;
	size_t length; /* of the word that is read */
};

static void end_word(struct reading *reading)
{
	if (reading->length > 0)
		reading->words->count++;
	reading->length = 0;
}

static void add(struct reading *reading, int c)
{
	struct words *words = reading->words;

	if (words->count == WORDS_MAX || reading->length == WORD_SIZE - 1)
		return;
	words->text[words->count][reading->length++] = (char)c;
	words->text[words->count][reading->length] = '\0';
}

static bool is_blank(int c)
{
	return c != '\0' && strchr(BLANKS, c) != NULL;
}

/* A byte of UTF-8 is one: a client may have such a name. */
static bool is_text(int c)
{
	return c >= ' ' ? c != 0x7f : is_blank(c);
}

static bool end(struct reading *reading, int c)
{
	end_word(reading);
	reading->words->end = c;
	return c != EOF || reading->words->count > 0;
}

bool words_line(FILE *file, struct words *out)
{
	struct reading reading = {.file = file, .words = out};

	out->count = 0;
	for (;;) {
		const int c = getc_unlocked(file);
		if (c == EOF || c == '\n')
			return end(&reading, c);
		if (!is_text(c))
			return end(&reading, 0);
		if (is_blank(c))
			end_word(&reading);
		else
			add(&reading, c);
	}
}

/* Behind its first quote. Returns its last one, or what ended it before. */
static int read_string(struct reading *reading)
{
	bool is_escaped = false;

	for (;;) {
		const int c = getc_unlocked(reading->file);
		if (c == EOF || c == '\n')
			return c;
		if (!is_text(c))
			return 0;
		add(reading, c);
		if (c == '"' && !is_escaped)
			return c;
		is_escaped = c == '\\' && !is_escaped;
	}
}

static int skip_comment(struct reading *reading)
{
	int c;

	do
		c = getc_unlocked(reading->file);
	while (c != '\n' && c != EOF && is_text(c));
	return c;
}

bool words_statement(FILE *file, struct words *out)
{
	struct reading reading = {.file = file, .words = out};

	out->count = 0;
	for (;;) {
		int c = getc_unlocked(file);
		if (c == '#')
			c = skip_comment(&reading);
		if (c == EOF || c == ';' || c == '{' || c == '}')
			return end(&reading, c);
		if (c == '"') {
			add(&reading, c);
			c = read_string(&reading);
			if (c != '"')
				return end(&reading, c);
		} else if (!is_text(c)) {
			return end(&reading, 0);
		} else if (is_blank(c)) {
			end_word(&reading);
		} else {
			add(&reading, c);
		}
	}
}
