/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 4096 /* bytes: PIPE_BUF, which a pipe takes whole */

/*
 * An open log. Writing to it never waits and never fails: a line that the log
 * doesn't take at once is lost.
 */
struct log {
	int fd;
	atomic_bool may_block; /* it could not be opened O_NONBLOCK */
	bool has_failed;       /* standard error is used instead */
};

/*
 * Opens the log at path, or standard error for "-". If that fails, uses
 * standard error, and says so there one time in the life of the process.
 */
void log_open(const char *path, struct log *out);

/*
 * Opens the log anew, after a rotation. Other threads may write meanwhile.
 * Reports each failure, and the first success after one, on standard error. One
 * thread at a time may call it.
 */
void log_reopen(const char *path, struct log *log);

/* Writes a line, end of line included, by one write(2). */
void log_write(struct log *log, const char *line, size_t size);

/* Closes the log, unless it is standard error. */
void log_close(struct log *log);
