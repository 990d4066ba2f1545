/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cgi/log.h"

/*
 * A line has the Common Log Format, then the seconds and the decision:
 *
 *     CLIENT - - [TIME] "METHOD URI PROTOCOL" STATUS BYTES SECONDS DECISION
 *
 * DECISION is "-"; or words about an error; or the source (once, until, static,
 * subnet, default), a blank, the target as one word (escape_word()), the
 * entry's key after a blank if it is not CLIENT, and notes, each in parentheses
 * after a blank. ctl/logparse.c reads it.
 */

/* What the log says about a request. A NULL string is written as "-". */
struct logline {
	const char *client; /* canonical address */
	/* As the client sent them; logline_format() escapes them. */
	const char *method;
	const char *uri;
	const char *protocol;
	time_t time;
	int status;
	long long bytes;      /* of the body */
	int64_t nanoseconds;  /* duration of the request */
	const char *decision; /* already escaped: a part of the line */
};

/* Writes the line, newline included. Returns its length in bytes. */
size_t logline_format(
	const struct logline *line, char out[static LOG_LINE_MAX]);

/* Writes a line that belongs to no request, with text as its decision. */
void logline_write_event(struct log *log, const char *text);
