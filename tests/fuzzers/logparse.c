/* SPDX-License-Identifier: MIT */
/*
 * Lines of a log, as pxesrvctl reads them. The input is a line, in which
 * another program may have put its own words.
 */
#include <stdlib.h>
#include <string.h>

#include "boot/client.h"
#include "ctl/logparse.h"
#include "fuzz.h"

/* A string that ends within the line, and is good for a terminal. */
static void check_string(const char *text, const char *line, size_t length)
{
	MUST(text >= line && text <= line + length);
	MUST(memchr(text, '\0', (size_t)(line + length + 1 - text)) != NULL);
	for (; *text != '\0'; text++)
		MUST(*text >= ' ' && *text < 0x7f);
}

static void check_target(const struct parsed_line *parsed)
{
	if (parsed->target == NULL) {
		MUST(parsed->source == LOGPARSE_OTHER);
		MUST(parsed->target_length == 0);
		return;
	}
	MUST(parsed->source < LOGPARSE_OTHER);
	MUST(parsed->target > parsed->decision);
	MUST(parsed->target_length <= strlen(parsed->target));
	MUST(memchr(parsed->target, ' ', parsed->target_length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct parsed_line parsed;
	struct client client;

	MUST(line != NULL);
	memcpy(line, data, size);
	line[size] = '\0';
	const bool is_ours = logparse_line(line, size, &parsed);
	fuzz_tally(is_ours);
	if (is_ours) {
		check_string(parsed.client, line, size);
		check_string(parsed.method, line, size);
		check_string(parsed.uri, line, size);
		check_string(parsed.decision, line, size);
		check_target(&parsed);
		MUST(strcmp(parsed.client, "-") == 0 ||
			(client_parse(parsed.client, &client) &&
				strcmp(client.key, parsed.client) == 0));
		MUST(parsed.status <= 999 && parsed.bytes >= 0);
		MUST(parsed.seconds >= 0);
	}
	free(line);
	return 0;
}
