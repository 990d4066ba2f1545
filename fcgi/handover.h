/* SPDX-License-Identifier: MIT */
#pragma once

#include <fcgiapp.h>
#include <stdbool.h>

struct kept;
struct service;

/*
 * The one place that knows libfcgi. A connection is handed to it with one
 * whole request waiting (see gate.h), and is taken back afterwards.
 */
struct handover {
	FCGX_Request request;
};

/* Once a process, before any thread. 0, or -1 when libfcgi can't start. */
int handover_start(void);

/* Once a worker. */
void handover_open(struct handover *out);

/*
 * Answers the request that lies on fd. True: the peer keeps the connection
 * open for another one. False: fd has been closed.
 */
bool handover_serve(struct handover *handover, int fd,
	const struct service *service, struct kept *kept);

/*
 * Asks the peer of a connection that it keeps open, and on which we owe it
 * nothing, to close it. Were we the ones to close it, a request that the peer
 * sends in the same moment would be lost. Returns at once.
 */
void handover_let_go(int fd);
