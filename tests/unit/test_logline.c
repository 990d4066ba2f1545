/* SPDX-License-Identifier: MIT */
/* The log: what cgi/logline.c writes is what ctl/logparse.c reads. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cgi/logline.h"
#include "ctl/logparse.h"
#include "tap.h"

static const struct {
	const char *decision;
	enum logparse_source source;
	const char *target; /* NULL: none */
} decisions[] = {
	{"once centos/7/default", LOGPARSE_ONCE, "centos/7/default"},
	{"static os/a\\x20b:\\x20(c)", LOGPARSE_STATIC, "os/a\\x20b:\\x20(c)"},
	{"names names/10.0.0.7 (Not a machine's name)", LOGPARSE_NAMES,
		"names/10.0.0.7"},
	{"default default (Not a directory)", LOGPARSE_DEFAULT, "default"},
	{"once x (not delivered: armed again)", LOGPARSE_ONCE, "x"},
	{"once x (once/10.0.0.7 is no link: ignored) (Is a directory)",
		LOGPARSE_ONCE, "x"},
	{"grub/clear grub/2/grub.cfg-0A000007", LOGPARSE_OTHER, NULL},
	{"oncex", LOGPARSE_OTHER, NULL},
	{NULL, LOGPARSE_OTHER, NULL},
};

static const char *const times[] = {"UTC", "Asia/Kolkata", "America/New_York"};

static bool is_target(const struct parsed_line *line, const char *target)
{
	if (target == NULL)
		return line->target == NULL;
	return line->target != NULL && line->target_length == strlen(target) &&
	       strncmp(line->target, target, line->target_length) == 0;
}

static void test_decision(size_t i)
{
	const struct logline line = {
		.client = "2001:db8::7",
		.method = "GET",
		.uri = "/redirect?a b",
		.protocol = "HTTP/1.1",
		.time = 1795440480,
		.status = 200,
		.bytes = 1497,
		.nanoseconds = 310000,
		.decision = decisions[i].decision,
	};
	char text[LOG_LINE_MAX];
	struct parsed_line parsed;
	const size_t size = logline_format(&line, text);

	text[size - 1] = '\0';
	tap_ok(logparse_line(text, size - 1, &parsed) &&
			parsed.time == line.time &&
			strcmp(parsed.client, line.client) == 0 &&
			strcmp(parsed.method, line.method) == 0 &&
			strcmp(parsed.uri, line.uri) == 0 &&
			parsed.status == 200 && parsed.bytes == 1497 &&
			parsed.seconds > 0.00029 && parsed.seconds < 0.00031,
		line.decision == NULL ? "-" : line.decision);
	tap_ok(parsed.source == decisions[i].source &&
			is_target(&parsed, decisions[i].target),
		"its source and its target");
}

/* Each byte of a line missing, and each byte another one: never a crash. */
static void test_broken_lines(void)
{
	static const char whole[] =
		"10.0.0.7 - - [23/Nov/2026:13:28:00 +0000] \"GET /redirect "
		"HTTP/1.1\" 200 1497 0.0003 once centos/7/default";
	struct parsed_line parsed;
	char text[sizeof whole];
	unsigned read = 0;

	for (size_t i = 0; i < sizeof whole; i++) {
		strcpy(text, whole);
		text[i] = '\0';
		read += logparse_line(text, i, &parsed);
		strcpy(text, whole);
		if (text[i] != '\0')
			text[i] = '~';
		read += logparse_line(text, sizeof whole - 1, &parsed);
	}
	tap_ok(read > 0 && read < sizeof whole, "lines that are damaged");
}

int main(void)
{
	for (size_t t = 0; t < sizeof times / sizeof times[0]; t++) {
		setenv("TZ", times[t], 1);
		tzset();
		for (size_t i = 0; i < sizeof decisions / sizeof decisions[0];
			i++)
			test_decision(i);
	}
	test_broken_lines();
	return tap_end();
}
