/* SPDX-License-Identifier: MIT */
/*
 * What a query string says of a machine. The input: a byte whose lowest bits
 * are what is asked for; then the query.
 */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgi/identify.h"
#include "fuzz.h"

#define X2 "[0-9A-Fa-f]{2}"
#define X4 X2 X2

static regex_t mac, uuid;

static bool matches(const regex_t *expression, const char *text)
{
	return regexec(expression, text, 0, NULL, 0) == 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const int flags = REG_EXTENDED | REG_NOSUB;

	(void)argc;
	(void)argv;
	MUST(regcomp(&mac,
		     "^(" X2 "(:" X2 "){5}|" X2 "(-" X2 "){5}|(" X2 "){6})$",
		     flags) == 0);
	MUST(regcomp(&uuid, "^" X4 X4 "(-" X4 "){3}-" X4 X4 X4 "$", flags) ==
		0);
	return 0;
}

/* A second opinion: counts a parameter, and decodes the first in place. */
static unsigned find(char *query, const char *name, char **first)
{
	unsigned count = 0;
	char *rest = query;

	for (char *one = strsep(&rest, "&"); one != NULL;
		one = strsep(&rest, "&")) {
		if (strncmp(one, name, strlen(name)) != 0)
			continue;
		if (count++ == 0)
			*first = one + strlen(name);
	}
	return count;
}

static bool decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++, to++) {
		*to = *text;
		if (*text != '%')
			continue;
		if (!isxdigit((unsigned char)text[1]) ||
			!isxdigit((unsigned char)text[2]))
			return false;
		const char digits[] = {text[1], text[2], '\0'};
		*to = (char)strtoul(digits, NULL, 16);
		if (*to == '\0')
			return false;
		text += 2;
	}
	*to = '\0';
	return true;
}

/* The digits alone, in lower case. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (isxdigit((unsigned char)*text))
			*to++ = (char)tolower((unsigned char)*text);
	}
	*to = '\0';
}

/* The digits of the value of a parameter that counts; empty: none does. */
static char *value_of(
	const char *query, const char *name, const regex_t *expression)
{
	char *copy = strdup(query == NULL ? "" : query), *value = NULL, *out;

	MUST(copy != NULL);
	const bool good = find(copy, name, &value) == 1 && decode(value) &&
	                  matches(expression, value);
	out = strdup(good ? value : "");
	MUST(out != NULL);
	squeeze(out);
	free(copy);
	return out;
}

static bool is_card(const char *digits)
{
	return digits[0] != '\0' && strspn(digits, "0") < strlen(digits) &&
	       strchr("02468ace", digits[1]) != NULL;
}

/* Whether a key has these digits, and marks in between. */
static void check_key(const char *key, const char *digits, const char *form)
{
	if (digits[0] == '\0') {
		MUST(key[0] == '\0');
		return;
	}
	MUST(strlen(key) == strlen(form));
	for (size_t i = 0; form[i] != '\0'; i++)
		MUST(key[i] == (form[i] == 'x' ? *digits++ : form[i]));
}

static void check_notes(const char *notes, const struct identify *wanted)
{
	MUST(strlen(notes) < IDENTIFY_NOTES_SIZE - 1);
	for (const char *at = notes; *at != '\0'; at++)
		MUST(*at == ' ' || *at == '(' || *at == ')' || *at == ':' ||
			islower((unsigned char)*at));
	MUST(wanted->by_mac || strstr(notes, "(mac ") == NULL);
	MUST(wanted->by_uuid || strstr(notes, "(uuid ") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	const unsigned how = fuzz_byte(&in);
	const struct identify wanted = {how & 1, how & 2};
	char *query = how & 4 ? NULL : fuzz_string(&in, '\0');
	char *card = value_of(query, "mac=", &mac);
	char *board = value_of(query, "uuid=", &uuid);
	struct identities got = {.address = "untouched"};
	char notes[IDENTIFY_NOTES_SIZE];

	memset(notes, 'x', sizeof notes);
	identify_read(&wanted, query, &got, notes);
	fuzz_tally(got.mac[0] != '\0' || got.uuid[0] != '\0');
	MUST(strcmp(got.address, "untouched") == 0);
	MUST(memchr(notes, '\0', sizeof notes) != NULL);
	check_notes(notes, &wanted);
	check_key(got.mac, wanted.by_mac && is_card(card) ? card : "",
		"xx:xx:xx:xx:xx:xx");
	/* Which are shared is no matter of the form. */
	const bool is_shared = strstr(notes, "(uuid is shared ") != NULL;
	MUST(!is_shared || board[0] != '\0');
	check_key(got.uuid, wanted.by_uuid && !is_shared ? board : "",
		"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
	free(board);
	free(card);
	free(query);
	return 0;
}
