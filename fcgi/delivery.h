/* SPDX-License-Identifier: MIT */
#pragma once

#include <fastcgi.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgi/sink.h"

/*
 * An answer on its way to the web server, in FastCGI's records: STDOUT, and in
 * one piece with the last of them END_REQUEST (FastCGI specification 1.0,
 * sections 3.3, 5.3, 5.5). It is sent as far as the socket takes it, and goes
 * on from there; so nobody waits for a slow peer. What counts is the content:
 * when the peer has taken all of that, the answer is delivered, whatever
 * becomes of the end record.
 */

#define DELIVERY_END_SIZE \
	(sizeof(FCGI_Header) + sizeof(FCGI_EndRequestRecord)) /* bytes */
#define DELIVERY_FIRST_MAX \
	(sizeof(FCGI_Header) + ANSWER_BYTES_MAX + DELIVERY_END_SIZE)

struct delivery {
	unsigned id;          /* of the request */
	int file;             /* what follows the first record; -1: nothing */
	off_t next;           /* where in it the record under way begins */
	off_t end;            /* where in it the answer ends */
	size_t sent;          /* bytes of the record under way that are out */
	unsigned char *first; /* the first record, until it is out */
	size_t first_size;    /* of it; 0 when it is out */
};

enum delivery_state {
	DELIVERY_ENDED,  /* all is out, with the end record */
	DELIVERY_WAITS,  /* there is more, when the socket takes it */
	DELIVERY_BROKEN, /* the peer has gone, or the file can't be read */
};

/*
 * Begins to answer request id; nothing is sent yet. first is the caller's, and
 * gets the first record. If the caller copies it elsewhere, out->first must be
 * set to the copy.
 */
void delivery_begin(unsigned id, const struct answer *answer,
	unsigned char first[static DELIVERY_FIRST_MAX], struct delivery *out);

/*
 * Sends to the socket fd as much as it takes, up to some 256 kB, since others
 * wait, too. Never waits for the peer.
 */
enum delivery_state delivery_continue(struct delivery *delivery, int fd);

/* How many bytes of the answer, its head included, are not out yet. */
long long delivery_undelivered(const struct delivery *delivery);

/*
 * Asks the peer of a connection that it keeps open, and on which we owe it
 * nothing, to close it. Were we the ones to close it, a request that the peer
 * sends in the same moment would be lost. Returns at once.
 */
void delivery_ask_to_close(int fd);
