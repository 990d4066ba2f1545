/* SPDX-License-Identifier: MIT */
/* Formats a request as a line of the log; logline.h defines the format. */
#include "cgi/logline.h"

#include <string.h>

#include "boot/text.h"

#define TIME_SIZE 32 /* bytes */

static void add_text_or_dash(struct text *text, const char *more)
{
	text_add(text, more == NULL ? "-" : more);
}

/* Cuts off long text, so that there is room for the decision. */
static void add_escaped(struct text *text, const char *more, size_t size)
{
	char escaped[1024];

	escape_line(more == NULL ? "-" : more, escaped, size);
	text_add(text, escaped);
}

static void format_time(time_t time, char out[static TIME_SIZE])
{
	struct tm tm;

	if (localtime_r(&time, &tm) == NULL ||
		strftime(out, TIME_SIZE, "%d/%b/%Y:%H:%M:%S %z", &tm) == 0)
		strcpy(out, "-"); /* no test: the year 2147483648 */
}

/* Caches the text: under load most lines are of the same second. */
static void add_time(struct text *text, time_t time)
{
	static _Thread_local char last[TIME_SIZE];
	static _Thread_local time_t last_time;

	if (last[0] == '\0' || last_time != time) {
		format_time(time, last);
		last_time = time;
	}
	text_add(text, last);
}

/* Adds seconds, to four places. */
static void add_duration(struct text *text, int64_t nanoseconds)
{
	const uint64_t places = ((uint64_t)nanoseconds + 50000) / 100000;

	text_add_number(text, places / 10000, 0);
	text_add(text, ".");
	text_add_number(text, places % 10000, 4);
}

size_t logline_format(const struct logline *line, char out[static LOG_LINE_MAX])
{
	struct text text;

	text_begin(&text, out, LOG_LINE_MAX);
	add_text_or_dash(&text, line->client);
	text_add(&text, " - - [");
	add_time(&text, line->time);
	text_add(&text, "] \"");
	add_escaped(&text, line->method, 32);
	text_add(&text, " ");
	add_escaped(&text, line->uri, 1024);
	text_add(&text, " ");
	add_escaped(&text, line->protocol, 32);
	text_add(&text, "\" ");
	text_add_number(&text, (unsigned)line->status, 0);
	text_add(&text, " ");
	text_add_number(&text, (unsigned long long)line->bytes, 0);
	text_add(&text, " ");
	add_duration(&text, line->nanoseconds);
	text_add(&text, " ");
	add_text_or_dash(&text, line->decision);
	text_add(&text, "\n");
	/* End the line even if it was cut off. */
	out[text.length - 1] = '\n';
	return text.length;
}

void logline_write_event(struct log *log, const char *text)
{
	const struct logline line = {.time = time(NULL), .decision = text};
	char bytes[LOG_LINE_MAX];

	const size_t size = logline_format(&line, bytes);
	log_write(log, bytes, size);
}
