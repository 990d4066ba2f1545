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

/* The rest of an answer, which waits for its peer. */
struct unsent;

/* How a request has left its connection. */
enum outcome {
	OUTCOME_CLOSED,  /* the connection has been closed */
	OUTCOME_IDLE,    /* it stays open for another request */
	OUTCOME_HELD,    /* there is more to send, but its file system hangs */
	OUTCOME_SENDING, /* there is more to send, when there is room */
};

/*
 * Answers the request that lies on fd, as far as the peer takes the answer
 * now. later is the rest of it, or NULL.
 */
enum outcome libfcgi_serve(struct libfcgi *libfcgi, int fd,
	const struct service *service, struct tree_cache *cache,
	struct unsent **later);

/*
 * Goes on with an answer. Unless more is to be sent still, the request is over
 * and freed. Any thread may call it.
 */
enum outcome unsent_continue(struct unsent *unsent, int fd);

/* Breaks the answer off, closes fd, and frees. */
void unsent_break_off(struct unsent *unsent, int fd);
