/* SPDX-License-Identifier: MIT */
/*
 * Splits files of DHCP servers into words and lines. Both have a fixed size, so
 * memory does not depend on the file.
 */
#include "ctl/lease_words.h"

#include <string.h>

#define BLANKS " \t\r\n\f\v"

struct word_reader {
	FILE *file;
	struct words *words;
	size_t length; /* of the current word */
	bool has_long_strings;
};

static void begin_words(struct words *words)
{
	words->count = 0;
	words->are_all = true;
}

static void end_word(struct word_reader *reader)
{
	if (reader->length > 0)
		reader->words->count++;
	reader->length = 0;
}

static void add_character(struct word_reader *reader, int c)
{
	struct words *words = reader->words;

	if (words->count == WORDS_MAX || reader->length == WORD_SIZE - 1) {
		words->are_all = false;
		return;
	}
	words->text[words->count][reader->length++] = (char)c;
	words->text[words->count][reader->length] = '\0';
}

static bool is_blank(int c)
{
	return c != '\0' && strchr(BLANKS, c) != NULL;
}

bool words_is_text(int c)
{
	return c >= ' ' ? c != 0x7f : is_blank(c);
}

bool words_has(const struct words *words, unsigned at, const char *text)
{
	return at < words->count && strcmp(words->text[at], text) == 0;
}

const char *words_unquote(char *word)
{
	const size_t length = strlen(word);

	if (length < 2 || word[0] != '"' || word[length - 1] != '"')
		return NULL;
	word[length - 1] = '\0';
	return word + 1;
}

static bool end_words(struct word_reader *reader, int c)
{
	end_word(reader);
	reader->words->end = c;
	return c != EOF || reader->words->count > 0;
}

bool words_line(FILE *file, struct words *out)
{
	struct word_reader reader = {.file = file, .words = out};

	begin_words(out);
	for (;;) {
		const int c = getc_unlocked(file);
		if (c == EOF || c == '\n')
			return end_words(&reader, c);
		if (!words_is_text(c))
			return end_words(&reader, 0);
		if (is_blank(c))
			end_word(&reader);
		else
			add_character(&reader, c);
	}
}

/*
 * Reads a string behind its first quote. Returns the last quote, or whatever
 * else ended the string.
 */
static int read_string(struct word_reader *reader)
{
	bool is_escaped = false;

	for (;;) {
		const int c = getc_unlocked(reader->file);
		if (c == EOF || (c == '\n' && !reader->has_long_strings))
			return c;
		if (!words_is_text(c))
			return 0;
		add_character(reader, c);
		if (c == '"' && !is_escaped)
			return c;
		is_escaped = c == '\\' && !is_escaped;
	}
}

static int skip_comment(struct word_reader *reader)
{
	int c;

	do
		c = getc_unlocked(reader->file);
	while (c != '\n' && c != EOF && words_is_text(c));
	return c;
}

bool words_statement(FILE *file, bool has_long_strings, struct words *out)
{
	struct word_reader reader = {.file = file,
		.words = out,
		.has_long_strings = has_long_strings};

	begin_words(out);
	for (;;) {
		int c = getc_unlocked(file);
		if (c == '#')
			c = skip_comment(&reader);
		if (c == EOF || c == ';' || c == '{' || c == '}')
			return end_words(&reader, c);
		if (c == '"') {
			add_character(&reader, c);
			c = read_string(&reader);
			if (c != '"')
				return end_words(&reader, c);
		} else if (!words_is_text(c)) {
			return end_words(&reader, 0);
		} else if (is_blank(c) || c == ',') {
			end_word(&reader);
		} else {
			add_character(&reader, c);
		}
	}
}

char *line_trim(char *text)
{
	text += strspn(text, BLANKS);
	size_t length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

bool line_read(FILE *file, struct line *out)
{
	size_t length = 0;
	bool any = false;

	out->fits = out->is_text = true;
	for (;;) {
		const int c = getc_unlocked(file);
		if (c == EOF || c == '\n') {
			out->is_whole = c == '\n';
			out->text[length] = '\0';
			const char *begin = line_trim(out->text);
			memmove(out->text, begin, strlen(begin) + 1);
			return any || c == '\n';
		}
		any = true;
		out->is_text = out->is_text && words_is_text(c);
		if (length < LINE_SIZE - 1)
			out->text[length++] = (char)c;
		else
			out->fits = false;
	}
}
