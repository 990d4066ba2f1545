/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcgiapp.h>

struct tree_cache;
struct service;

/*
 * libfcgi's own state of one worker. This is the one module that knows libfcgi.
 * It gets a connection with one whole request waiting (gate.h), and gives it
 * back afterwards. libfcgi reads; delivery.h sends the answer.
 */
struct libfcgi {
	FCGX_Request request;
};

/* Once a process, before any thread. 0, or -1 when libfcgi can't start. */
int libfcgi_init(void);

/* Once a worker. */
void libfcgi_open(struct libfcgi *out);

/* A request whose answer waits for its peer. */
struct sending;

/* How a request has left its connection. */
enum served {
	SERVED_CLOSED,  /* the connection has been closed */
	SERVED_IDLE,    /* it stays open for another request */
	SERVED_HELD,    /* there is more to send, but its disk hangs now */
	SERVED_SENDING, /* there is more to send, when there is room */
};

/*
 * Answers the request that lies on fd, as far as the peer takes the answer
 * now. later is the rest of it, or NULL.
 */
enum served libfcgi_serve(struct libfcgi *libfcgi, int fd,
	const struct service *service, struct tree_cache *cache,
	struct sending **later);

/*
 * Goes on with an answer. Unless more is to be sent still, the request is over
 * and freed. Any thread may call it.
 */
enum served sending_continue(struct sending *sending, int fd);

/* Breaks the answer off, closes fd, and frees. */
void sending_break_off(struct sending *sending, int fd);
