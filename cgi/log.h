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
	bool has_failed;       /* standard error is taken instead */
};

/*
 * Opens the log at path, "-" being standard error. If that fails, standard
 * error is taken instead. A line there says so, once a process.
 */
void log_open(const char *path, struct log *out);

/*
 * Opens it again, where the path is now, while others may write to it. Each
 * failure is said on standard error, and the first success after a failure.
 * One thread at a time.
 */
void log_reopen(const char *path, struct log *log);

/* Writes a line, end of line included, by one write(2). */
void log_write(struct log *log, const char *line, size_t size);

void log_close(struct log *log);
