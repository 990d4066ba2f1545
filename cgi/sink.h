/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A whole answer: bytes, then a part of a file. */
struct answer {
	const char *bytes; /* head, and the body or its beginning */
	size_t size;       /* of bytes; at most ANSWER_BYTES_MAX */
	int file;          /* open for reading; -1: no file */
	off_t next, end;   /* part of the file to send: from next to end */
};

#define ANSWER_BYTES_MAX 16384 /* bytes: a head and a usual boot script */

/* From send(): the rest is still to be sent. See respond_finish(). */
#define SINK_LATER (-1)

/*
 * Where an answer goes: the web server, by any protocol. An answer that breaks
 * off must look broken to the web server, never whole.
 */
struct sink {
	/* Whether the web server has hung up or does not want the answer. */
	bool (*is_gone)(struct sink *);
	/*
	 * Sends the answer. Returns how many bytes the web server has not
	 * taken: 0 if it has them all, else the answer is broken off. Or
	 * SINK_LATER: the sink now owns the file.
	 */
	long long (*send)(struct sink *, const struct answer *);
	long long undelivered; /* after SINK_LATER: bytes not sent yet */
};
