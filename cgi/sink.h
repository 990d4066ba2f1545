/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A whole answer: bytes, then a part of a file. */
struct answer {
	const char *bytes; /* the head, and the body or its beginning */
	size_t size;       /* of bytes: ANSWER_BYTES_MAX at the most */
	int file;          /* open for reading; -1: nothing follows */
	off_t next, end;   /* what follows of the file: from next up to end */
};

#define ANSWER_BYTES_MAX 16384 /* bytes: a head and a usual boot script */

/* send() returns this when the rest is still to be sent: respond_finish(). */
#define SINK_LATER (-1)

/*
 * Where one answer goes: the web server, by whichever protocol. An answer that
 * breaks off must look broken to the web server, never like a whole one.
 */
struct sink {
	/* Whether the web server has hung up already, or does not want it. */
	bool (*is_gone)(struct sink *);
	/*
	 * Sends the answer. Returns how many of its bytes the web server has
	 * not taken: 0 when it has all; else the answer is broken off. Or
	 * SINK_LATER: then the file belongs to the sink from here on.
	 */
	long long (*send)(struct sink *, const struct answer *);
	long long undelivered; /* after SINK_LATER: bytes not sent so far */
};
