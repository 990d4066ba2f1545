/* SPDX-License-Identifier: MIT */
#include "logline.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"

static void escape_or_dash(const char *text, char *out, size_t size)
{
	escape_line(text == NULL ? "-" : text, out, size);
}

size_t logline_format(const struct logline *line, char out[static LOG_LINE_MAX])
{
	/* Sizes that leave room for the decision, whatever a client sends. */
	char method[32], uri[1024], protocol[32], when[32];
	struct tm tm;

	escape_or_dash(line->method, method, sizeof method);
	escape_or_dash(line->uri, uri, sizeof uri);
	escape_or_dash(line->protocol, protocol, sizeof protocol);
	if (localtime_r(&line->time, &tm) == NULL ||
		strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S %z", &tm) == 0)
		strcpy(when, "-");

	int n = snprintf(out, LOG_LINE_MAX,
		"%s - - [%s] \"%s %s %s\" %d %lld %.4f %s\n",
		line->client == NULL ? "-" : line->client, when, method, uri,
		protocol, line->status, line->bytes, line->seconds,
		line->decision == NULL ? "-" : line->decision);
	if (n < 0)
		return 0;
	if (n < LOG_LINE_MAX)
		return (size_t)n;
	out[LOG_LINE_MAX - 2] = '\n';
	return LOG_LINE_MAX - 1;
}
