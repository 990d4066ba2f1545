/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* What an answer came from. */
enum logparse_source {
	LOGPARSE_ONCE,
	LOGPARSE_STATIC,
	LOGPARSE_DEFAULT,
	LOGPARSE_OTHER, /* no boot file: grub/clear, a wrong path, an error */
};

/* As the log names them; LOGPARSE_OTHER is "other". */
extern const char *const logparse_sources[LOGPARSE_OTHER + 1];

/*
 * A parsed line. The strings are as in the log: printable ASCII, everything
 * else escaped.
 */
struct parsed_line {
	time_t time;
	int offset;         /* of the log's time zone, seconds east of UTC */
	const char *client; /* "-": not known */
	const char *method;
	const char *uri;
	unsigned status; /* 0: the line belongs to no request */
	long long bytes; /* of body */
	double seconds;  /* that the request took */
	enum logparse_source source;
	const char *target; /* not NUL-terminated; NULL with LOGPARSE_OTHER */
	size_t target_length;
	const char *decision; /* source, target and everything after them */
};

/*
 * Parses a line of length bytes, whose newline was replaced by a NUL. Cuts the
 * line into pieces that out points to. Another program, such as the journal,
 * may have put words before it. False: it is not one of PXESrv's.
 */
bool logparse_line(char *line, size_t length, struct parsed_line *out);

/*
 * The time --since TEXT before now, where TEXT is a number with s, m, h or d.
 * NULL: the time 0. Ends the program for any other text.
 */
time_t logparse_since(const char *text);
