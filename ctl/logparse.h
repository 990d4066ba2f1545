/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* What an answer came from. */
enum logparse_source {
	LOGPARSE_ONCE,
	LOGPARSE_UNTIL,
	LOGPARSE_STATIC,
	LOGPARSE_SUBNET,
	LOGPARSE_DEFAULT,
	LOGPARSE_NAMES, /* a broken link there: always an error */
	LOGPARSE_OTHER, /* no boot file: grub/clear, a wrong path, an error */
};

/* Names as in the log; LOGPARSE_OTHER is "other". */
extern const char *const logparse_sources[LOGPARSE_OTHER + 1];

/* A parsed line. Strings are escaped, as in the log. */
struct parsed_line {
	time_t time;
	int offset;         /* of the log's time zone, seconds east of UTC */
	const char *client; /* "-": not known */
	const char *method;
	const char *uri;
	unsigned status; /* 0: no request */
	long long bytes; /* of body */
	double seconds;  /* that the request took */
	enum logparse_source source;
	const char *target; /* no NUL at its end; NULL with LOGPARSE_OTHER */
	size_t target_length;
	const char *decision; /* source, target and all that follows */
};

/*
 * Parses a line of length bytes that ends with a NUL instead of its newline.
 * Cuts it into the strings of out. Words of another program, such as the
 * journal, may precede it. False: it is not a line of PXESrv.
 */
bool logparse_line(char *line, size_t length, struct parsed_line *out);

/*
 * Returns the seconds of an option's value: a number of s, m, h or d. Ends the
 * program for any other text.
 */
long long logparse_duration(const char *option, const char *text);

/*
 * Returns the time that --since TEXT means: a number of s, m, h or d before
 * now. NULL gives 0. Ends the program for any other text.
 */
time_t logparse_since(const char *text);
