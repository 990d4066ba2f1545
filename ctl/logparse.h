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
 * A line of the log. The strings are as they stand there: printable ASCII, all
 * else is escaped.
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
	const char *target; /* no NUL ends it; LOGPARSE_OTHER has none */
	size_t target_length;
	const char *decision; /* source, target and all that follows */
};

/*
 * Reads a line of length bytes, without its end, which a NUL has taken the
 * place of. Another program, such as the journal, may have put words before it.
 * out points into it, and it is cut into pieces. False: it is none of PXESrv's.
 */
bool logparse_line(char *line, size_t length, struct parsed_line *out);

/*
 * The time that lies as long back as --since says: a number and s, m, h or d.
 * NULL: before all there is. Ends the program for anything else.
 */
time_t logparse_since(const char *text);
