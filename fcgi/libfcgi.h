/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcgiapp.h>

struct tree_cache;
struct service;

/*
 * One worker's state of libfcgi. Only this module knows libfcgi. It gets a
 * connection with one whole request waiting (gate.h), and gives the connection
 * back afterwards. libfcgi reads the request; delivery.h sends the answer.
 */
struct libfcgi {
	FCGX_Request request;
};

/* Call this once, before starting threads. 0, or -1: libfcgi can't start. */
int libfcgi_init(void);

/* Call this once per worker. */
void libfcgi_open(struct libfcgi *out);

/* The unsent rest of an answer, which waits for its peer. */
struct unsent;

/* The state of a connection after a request. */
enum outcome {
	OUTCOME_CLOSED,  /* closed */
	OUTCOME_IDLE,    /* open for another request */
	OUTCOME_HELD,    /* more to send, but the file system hangs */
	OUTCOME_SENDING, /* more to send, when the socket has room */
};

/*
 * Answers the request that waits on fd, as far as the peer takes the answer
 * now. later gets the unsent rest, or NULL.
 */
enum outcome libfcgi_serve(struct libfcgi *libfcgi, int fd,
	const struct service *service, struct tree_cache *cache,
	struct unsent **later);

/*
 * Continues an answer. Ends the request and frees unsent, unless there is more
 * to send. Any thread may call it.
 */
enum outcome unsent_continue(struct unsent *unsent, int fd);

/* Breaks off the answer, closes fd, and frees unsent. */
void unsent_break_off(struct unsent *unsent, int fd);
