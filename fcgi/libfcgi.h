/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcgiapp.h>

struct tree_cache;
struct service;

/*
 * The one place that knows libfcgi. A connection is handed to it with one
 * whole request waiting (see gate.h), and is taken back afterwards. It reads;
 * the answer is sent by delivery.h.
 */
struct handover {
	FCGX_Request request;
};

/* Once a process, before any thread. 0, or -1 when libfcgi can't start. */
int handover_start(void);

/* Once a worker. */
void handover_open(struct handover *out);

/* A request whose answer waits for its peer. */
struct sending;

/* How a request has left its connection. */
enum served {
	SERVED_CLOSED,  /* the connection has been closed */
	SERVED_KEPT,    /* the peer keeps it open for another one */
	SERVED_HELD,    /* the same as the next, but not now: a disk hangs */
	SERVED_SENDING, /* there is more to be sent, when it can be written to
	                 */
};

/*
 * Answers the request that lies on fd, as far as the peer takes the answer
 * now. later is the rest of it, or NULL.
 */
enum served handover_serve(struct handover *handover, int fd,
	const struct service *service, struct tree_cache *kept,
	struct sending **later);

/*
 * Goes on with an answer. Unless more is to be sent still, the request is over
 * and freed. Any thread may call it.
 */
enum served handover_go_on(struct sending *sending, int fd);

/* Breaks the answer off, closes fd, and frees. */
void handover_break_off(struct sending *sending, int fd);

/*
 * Asks the peer of a connection that it keeps open, and on which we owe it
 * nothing, to close it. Were we the ones to close it, a request that the peer
 * sends in the same moment would be lost. Returns at once.
 */
void handover_let_go(int fd);
