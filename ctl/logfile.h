/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <zlib.h>

#include "ctl/logparse.h"

struct ctl;

/* A log that is read. */
struct logfile {
	const char *path;
	int fd;
	gzFile gz;           /* reads it, compressed or not; NULL: it grows */
	int error;           /* errno of reading; 0: none */
	const char *trouble; /* what else is wrong with it; NULL: nothing */
	unsigned long long own, foreign; /* lines: PXESrv's, and others */
	off_t offset;      /* of what comes next from a file that grows */
	size_t begin, end; /* of the bytes that are not used yet */
	char bytes[65536];
};

/*
 * A descriptor of the log, or -errno: -EISDIR, or -ENXIO, when it is something
 * else than a regular file. It never waits.
 */
int logfile_descriptor(const char *path);

/* The path in PXESRV_LOG. NULL, with a message: that is no file. */
const char *logfile_default(const struct ctl *ctl);

/*
 * Reads the logs that are named, or PXESRV_LOG; "-" is standard input. They may
 * be compressed by gzip. Calls back for each line that is PXESrv's. False, with
 * a message: not all could be read, or none of it is PXESrv's.
 */
bool logfile_each(const struct ctl *ctl, int count, char *const paths[],
	void (*found)(const struct parsed_line *line, void *context),
	void *context);

/* Opens a log that grows. False, with a message: it can't be read. */
bool logfile_open_growing(const char *path, struct logfile *out);

/*
 * The next line that is PXESrv's; it holds until the next call. Of a log that
 * grows: goes on at the beginning when the file was truncated; an unfinished
 * line is not there yet; ask again when the file has grown. False at the end,
 * or at an error.
 */
bool logfile_next(struct logfile *file, struct parsed_line *out);

/* Goes on with another file, which it closes in the end. */
void logfile_move(struct logfile *file, int fd);

/*
 * Says what was wrong with the file. False: it could not be read, or there are
 * lines, none of which is PXESrv's.
 */
bool logfile_close(struct logfile *file);
