/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cgi/log.h"

/*
 * The format of a line is the Common Log Format, then the seconds and the
 * decision:
 *
 *     CLIENT - - [TIME] "METHOD URI PROTOCOL" STATUS BYTES SECONDS DECISION
 *
 * DECISION is "-", or the source (once, static, default), a blank, the target
 * as one word (escape_word()), and notes, each in parentheses after a blank. Or
 * words about what was wrong. ctl/logparse.c reads it.
 */

/* What the log says of one request. A string that is NULL is written "-". */
struct logline {
	const char *client; /* canonical address */
	/* As the client sent them; logline_format() escapes them. */
	const char *method;
	const char *uri;
	const char *protocol;
	time_t time;
	int status;
	long long bytes;      /* of body */
	int64_t nanoseconds;  /* that the request took */
	const char *decision; /* escaped already: it is part of the line */
};

/* Writes the line, its end included. Returns its length. */
size_t logline_format(
	const struct logline *line, char out[static LOG_LINE_MAX]);

/* Writes a line that belongs to no request. It has text as its decision. */
void logline_write_event(struct log *log, const char *text);
