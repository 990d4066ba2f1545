/* SPDX-License-Identifier: MIT */
#pragma once

#include <fastcgi.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgi/sink.h"

/*
 * An answer on its way to the web server as FastCGI records: STDOUT, the last
 * of them in one piece with END_REQUEST (FastCGI specification 1.0, sections
 * 3.3, 5.3, 5.5). Sends what the socket takes and continues later, so no thread
 * waits for a slow peer. An answer is delivered when the peer has taken all its
 * content, even if the end record fails.
 */

#define DELIVERY_END_SIZE \
	(sizeof(FCGI_Header) + sizeof(FCGI_EndRequestRecord)) /* bytes */
#define DELIVERY_FIRST_MAX \
	(sizeof(FCGI_Header) + ANSWER_BYTES_MAX + DELIVERY_END_SIZE)

struct delivery {
	unsigned id;          /* request id */
	int file;             /* file after the first record; -1: none */
	off_t next;           /* offset of the current record in file */
	off_t end;            /* end of the answer in file */
	size_t sent;          /* bytes of the current record already sent */
	unsigned char *first; /* first record, until it is sent */
	size_t first_size;    /* bytes of first; 0 when it is sent */
};

enum delivery_state {
	DELIVERY_ENDED,  /* everything is sent, end record included */
	DELIVERY_WAITS,  /* more to send when the socket has room */
	DELIVERY_BROKEN, /* the peer is gone, or file is unreadable */
};

/*
 * Begins to answer request id, without sending. first is the caller's, and gets
 * the first record. After moving the record, point out->first to it.
 */
void delivery_begin(unsigned id, const struct answer *answer,
	unsigned char first[static DELIVERY_FIRST_MAX], struct delivery *out);

/*
 * Sends as much as the socket fd takes, up to some 256 kB, since others wait,
 * too. Never waits for the peer.
 */
enum delivery_state delivery_continue(struct delivery *delivery, int fd);

/* Returns how many bytes of the answer, head included, are not sent. */
long long delivery_undelivered(const struct delivery *delivery);

/*
 * Asks the peer to close an idle connection. If we closed it, a request that
 * the peer sends at the same moment would be lost. Returns at once.
 */
void delivery_ask_to_close(int fd);
