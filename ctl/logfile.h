/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "logged.h"

/* A log that is read. */
struct logfile {
	const char *path;
	int fd;
	int error;                  /* errno of reading; 0: none */
	unsigned long long foreign; /* lines that are none of PXESrv's */
	off_t offset;               /* of what comes next from the file */
	size_t begin, end;          /* of the bytes that are not used yet */
	char bytes[65536];
};

/*
 * A descriptor of the log, or -errno: -EISDIR, or -ENXIO, when it is something
 * else than a regular file. It never waits.
 */
int logfile_descriptor(const char *path);

/* Opens PXESRV_LOG. False, with a message: it can't be read. */
bool logfile_open(const char *path, struct logfile *out);

/*
 * The next line that is PXESrv's; it holds until the next call. Goes on at the
 * beginning when the file was truncated. False at the end, or at an error; an
 * unfinished line is not there yet. Ask again when the file has grown.
 */
bool logfile_next(struct logfile *file, struct logged *out);

/* Goes on with another file, which it closes in the end. */
void logfile_move(struct logfile *file, int fd);

/* Says what was wrong with the file. False: it could not be read. */
bool logfile_close(struct logfile *file);
