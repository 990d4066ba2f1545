/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <zlib.h>

#include "ctl/logparse.h"

struct ctl;

struct logfile {
	const char *path;
	int fd;
	gzFile gz;                       /* reads fd; NULL: the log grows */
	int error;                       /* errno of a read, or 0 */
	const char *trouble;             /* another problem, or NULL */
	unsigned long long own, foreign; /* lines of PXESrv, of others */
	off_t offset;                    /* next read of a growing log */
	size_t begin, end;               /* unused bytes */
	char bytes[65536];
};

/*
 * Opens a log without ever waiting. Returns a descriptor or -errno, such as
 * -EISDIR and -ENXIO for something other than a regular file.
 */
int logfile_descriptor(const char *path);

/* Returns the path in PXESRV_LOG. NULL, with a message: it is not a file. */
const char *logfile_default(const struct ctl *ctl);

/*
 * Calls found for each line of PXESrv in the named logs, or in PXESRV_LOG if
 * there are none. "-" is standard input. Logs may be compressed by gzip. False,
 * with a message: a log is not readable to its end, or has only others' lines.
 */
bool logfile_each(const struct ctl *ctl, int count, char *const paths[],
	void (*found)(const struct parsed_line *line, void *context),
	void *context);

/* Opens a growing log. False, with a message: it can't be read. */
bool logfile_open_growing(const char *path, struct logfile *out);

/*
 * Reads the next line of PXESrv, valid until the next call. In a growing log,
 * starts again after a truncation and leaves an unfinished line for later.
 * False: at the end, or an error.
 */
bool logfile_next(struct logfile *file, struct parsed_line *out);

/* Continues with another file, which logfile_close() will close. */
void logfile_move(struct logfile *file, int fd);

/*
 * Closes the log and prints its problems. False: it was not readable, or has
 * only others' lines.
 */
bool logfile_close(struct logfile *file);
