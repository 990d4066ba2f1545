/* SPDX-License-Identifier: MIT */
/*
 * Lines of the log, and escaping. The input: a byte that says which strings
 * are there, one for the room of an escape, then numbers, then strings.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/client.h"
#include "boot/text.h"
#include "cgi/logline.h"
#include "fuzz.h"

/* Undoes an escape of the form MARK and two digits, or \xHH. */
static void unescape(const char *text, const char *mark, char *out)
{
	size_t length = strlen(mark);

	while (*text != '\0') {
		if (strncmp(text, mark, length) != 0) {
			*out++ = *text++;
			continue;
		}
		const char digits[] = {text[length], text[length + 1], '\0'};
		MUST(isxdigit((unsigned char)digits[0]) &&
			isxdigit((unsigned char)digits[1]));
		*out++ = (char)strtoul(digits, NULL, 16);
		text += length + 2;
	}
	*out = '\0';
}

static void check_escape_line(const char *text, size_t room)
{
	char *out = malloc(room), *back = malloc(room);

	MUST(out != NULL && back != NULL);
	size_t length = escape_line(text, out, room);
	MUST(length < room && strlen(out) == length);
	for (size_t i = 0; i < length; i++)
		MUST(out[i] >= ' ' && out[i] < 0x7f && out[i] != '"');
	unescape(out, "\\x", back);
	MUST(strncmp(back, text, strlen(back)) == 0);
	/* Cut off only where there was no room for one more. */
	MUST(strlen(back) == strlen(text) || length + 4 >= room);
	free(back);
	free(out);
}

static void check_escape_path(const char *text, size_t room)
{
	char *out = malloc(room), *back = malloc(room);

	MUST(out != NULL && back != NULL);
	size_t length = escape_path(text, out, room);
	MUST(length < room);
	if (length == 0) {
		MUST(text[0] == '\0' || 3 * strlen(text) >= room - 1);
	} else {
		MUST(strlen(out) == length);
		for (size_t i = 0; i < length; i++)
			MUST(isalnum((unsigned char)out[i]) ||
				strchr("-._~/%", out[i]) != NULL);
		unescape(out, "%", back);
		MUST(strcmp(back, text) == 0);
	}
	free(back);
	free(out);
}

static void check_line(const struct logline *line)
{
	char *out = malloc(LOG_LINE_MAX);
	int quotes = 0;

	MUST(out != NULL);
	size_t length = logline_format(line, out);
	MUST(length > 0 && length < LOG_LINE_MAX);
	MUST(out[length - 1] == '\n' && out[length] == '\0');
	for (size_t i = 0; i < length - 1; i++) {
		MUST(out[i] >= ' ' && out[i] < 0x7f);
		quotes += out[i] == '"';
	}
	MUST(quotes == 2);
	const char *client = line->client == NULL ? "-" : line->client;
	MUST(strncmp(out, client, strlen(client)) == 0);
	MUST(strncmp(out + strlen(client), " - - [", 6) == 0);
	/* accepted: nothing had to be cut off */
	fuzz_tally(length < LOG_LINE_MAX - 1);
	free(out);
}

static long long number(struct input *in)
{
	unsigned long long value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | fuzz_byte(in);
	return (long long)value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	const unsigned there = fuzz_byte(&in);
	const size_t room = 1 + fuzz_byte(&in) * (there & 0x80 ? 64 : 1);
	struct logline line = {
		.time = number(&in),
		.bytes = number(&in) & INT64_MAX,
		.status = (int)fuzz_byte(&in) * 4,
		.nanoseconds = number(&in),
	};
	char decision[2 * LOG_LINE_MAX];
	char *strings[5];
	struct client client;

	for (size_t i = 0; i < 5; i++)
		strings[i] = fuzz_string(&in, '\0');
	escape_line(strings[3], decision, sizeof decision);
	line.method = there & 1 ? strings[0] : NULL;
	line.uri = there & 2 ? strings[1] : NULL;
	line.protocol = there & 4 ? strings[2] : NULL;
	line.decision = there & 8 ? decision : NULL;
	if (client_parse(strings[4], &client))
		line.client = client.key;
	check_line(&line);
	for (size_t i = 0; i < 5; i++) {
		check_escape_line(strings[i], room);
		check_escape_path(strings[i], room);
		free(strings[i]);
	}
	return 0;
}
