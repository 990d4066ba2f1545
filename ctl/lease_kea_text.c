/* SPDX-License-Identifier: MIT */
/* Makes JSON of what Kea takes for it: dhcp4_lexer.ll of its sources. */
#include "ctl/lease_kea_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

#define SIZE_LIMIT (64 << 20) /* bytes, with all included files */

struct kea_text {
	struct lease_sink *sink;
	FILE *files[LEASES_DEPTH_MAX + 1]; /* each includes the next one */
	unsigned depth;
	char *bytes;
	size_t length, size;
};

static int add(struct kea_text *text, int c)
{
	if (text->length == text->size) {
		const size_t size = text->size == 0 ? 4096 : 2 * text->size;
		char *more =
			size > SIZE_LIMIT ? NULL : realloc(text->bytes, size);
		if (more == NULL)
			return -EFBIG;
		text->bytes = more;
		text->size = size;
	}
	text->bytes[text->length++] = (char)(c < 0x80 ? c : '?');
	return 0;
}

/* Takes back a comma that only white space follows. */
static void drop_comma(struct kea_text *text)
{
	size_t at = text->length;

	while (at > 0 && strchr(" \t\r\n", text->bytes[at - 1]) != NULL)
		at--;
	if (at > 0 && text->bytes[at - 1] == ',')
		text->bytes[at - 1] = ' ';
}

/* Behind the first quote. jansson knows which characters may be in it. */
static int add_string(struct kea_text *text, FILE *file)
{
	bool is_escaped = false;
	int err = add(text, '"');

	while (err == 0) {
		const int c = getc_unlocked(file);
		if (c == EOF || c < ' ')
			return -EBADMSG;
		err = add(text, c);
		if (c == '"' && !is_escaped)
			return err;
		is_escaped = c == '\\' && !is_escaped;
	}
	return err;
}

static int skip_line(struct kea_text *text, FILE *file)
{
	int c;

	while ((c = getc_unlocked(file)) != '\n' && c != EOF)
		;
	return add(text, '\n');
}

static int skip_block(struct kea_text *text, FILE *file)
{
	int c, before = 0;

	while ((c = getc_unlocked(file)) != EOF) {
		if (before == '*' && c == '/')
			return add(text, ' ');
		before = c;
	}
	return -EBADMSG;
}

/* Behind the first slash. */
static int skip_comment(struct kea_text *text, FILE *file)
{
	switch (getc_unlocked(file)) {
	case '/':
		return skip_line(text, file);
	case '*':
		return skip_block(text, file);
	default:
		return -EBADMSG;
	}
}

/* Reads what must come next, behind white space. */
static bool is_next(FILE *file, const char *wanted)
{
	int c;

	do
		c = getc_unlocked(file);
	while (c != '\0' && c != EOF && strchr(" \t\r\n", c) != NULL);
	for (; *wanted != '\0'; wanted++, c = getc_unlocked(file)) {
		if (c != *wanted)
			return false;
	}
	ungetc(c, file);
	return true;
}

/* Goes on with another file. */
static int include(struct kea_text *text, const char *path)
{
	struct lease_sink *sink = text->sink;

	if (sink->depth + text->depth >= LEASES_DEPTH_MAX)
		return -ELOOP;
	if (!leases_path(path, sink->path))
		return -ENAMETOOLONG; /* no test: read_include() has less */
	FILE *file = leases_open(sink->path);
	if (file == NULL)
		return -errno;
	text->files[++text->depth] = file;
	return 0;
}

/* Behind the first character of <?include "FILE"?>. */
static int read_include(struct kea_text *text, FILE *file)
{
	char path[1024];
	size_t length = 0;
	int c;

	if (getc_unlocked(file) != '?' || !is_next(file, "include") ||
		!is_next(file, "\""))
		return -EBADMSG;
	while ((c = getc_unlocked(file)) != '"') {
		if (c == EOF || c < ' ' || length == sizeof path - 1)
			return -EBADMSG;
		path[length++] = (char)c;
	}
	path[length] = '\0';
	return is_next(file, "?>") ? include(text, path) : -EBADMSG;
}

/* Adds what a character begins. */
static int add_mark(struct kea_text *text, FILE *file, int c)
{
	switch (c) {
	case '"':
		return add_string(text, file);
	case '#':
		return skip_line(text, file);
	case '/':
		return skip_comment(text, file);
	case '<':
		return read_include(text, file);
	case ']':
	case '}':
		drop_comma(text);
		return add(text, c);
	default:
		return words_is_text(c) ? add(text, c) : -EBADMSG;
	}
}

static int add_files(struct kea_text *text)
{
	int err = 0;

	while (err == 0) {
		FILE *file = text->files[text->depth];
		const int c = getc_unlocked(file);
		if (c != EOF) {
			err = add_mark(text, file, c);
			continue;
		}
		if (ferror(file))
			return -EIO; /* no test: a disk that fails */
		if (text->depth == 0)
			return 0;
		fclose(file);
		text->depth--;
	}
	return err;
}

int lease_kea_text(
	FILE *file, struct lease_sink *sink, char **out, size_t *length)
{
	struct kea_text text = {.sink = sink, .files = {file}};
	char path[PATH_MAX];

	strcpy(path, sink->path);
	const int err = add_files(&text);
	while (text.depth > 0)
		fclose(text.files[text.depth--]);
	if (err < 0) {
		free(text.bytes);
		return err;
	}
	/* Later errors are about the whole. */
	strcpy(sink->path, path);
	*out = text.bytes;
	*length = text.length;
	return 0;
}
