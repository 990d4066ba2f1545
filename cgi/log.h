/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 4096 /* bytes: PIPE_BUF, which a pipe takes whole */

/* Writing never waits or fails: a line not taken at once is lost. */
struct log {
	int fd;
	atomic_bool may_block; /* could not be opened with O_NONBLOCK */
	atomic_bool is_cut;    /* the disk had no room for the end of a line */
	bool has_failed;       /* standard error is used instead */
};

/*
 * Opens the log at path, or standard error for "-". If that fails, uses
 * standard error and reports it there, once per process.
 */
void log_open(const char *path, struct log *out);

/*
 * Reopens the log after a rotation, while other threads write. Reports
 * failures, and success after a failure, on standard error. One caller at a
 * time.
 */
void log_reopen(const char *path, struct log *log);

/*
 * Writes a line by one write(2). size is in bytes, newline included. Ends a
 * line that a full disk has cut off first, so that it does not spoil this one.
 */
void log_write(struct log *log, const char *line, size_t size);

/* Closes the log, unless it is standard error. */
void log_close(struct log *log);
