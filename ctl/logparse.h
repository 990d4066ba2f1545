/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* What an answer came from. */
enum logged_source {
	LOGGED_ONCE,
	LOGGED_STATIC,
	LOGGED_DEFAULT,
	LOGGED_OTHER, /* no boot file: grub/clear, a wrong path, an error */
};

/* As the log names them; LOGGED_OTHER is "other". */
extern const char *const logged_sources[LOGGED_OTHER + 1];

/*
 * A line of the log. The strings are as they stand there: printable ASCII, all
 * else is escaped.
 */
struct logged {
	time_t time;
	int offset;         /* of the log's time zone, seconds east of UTC */
	const char *client; /* "-": not known */
	const char *method;
	const char *uri;
	unsigned status; /* 0: the line belongs to no request */
	long long bytes; /* of body */
	double seconds;  /* that the request took */
	enum logged_source source;
	const char *target; /* no NUL ends it; LOGGED_OTHER has none */
	size_t target_length;
	const char *decision; /* source, target and all that follows */
};

/*
 * Reads a line of length bytes, without its end, which a NUL has taken the
 * place of. Another program, such as the journal, may have put words before it.
 * out points into it, and it is cut into pieces. False: it is none of PXESrv's.
 */
bool logged_parse(char *line, size_t length, struct logged *out);

/*
 * The time that lies as long back as --since says: a number and s, m, h or d.
 * NULL: before all there is. Ends the program for anything else.
 */
time_t logged_since(const char *text);
