/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One connection of a client, and the answer that it waits for. */
struct visit {
	int fd;               /* -1: none */
	int64_t since;        /* nanoseconds: when its request was due */
	char head[2048];      /* of the answer, as far as it has come */
	size_t head_size;     /* bytes */
	long long body, left; /* its length; what has not come yet; or -1 */
	bool is_last;         /* the server closes the connection after it */
};

/* What was asked of whom. */
struct visited {
	const char *address; /* IPv4, a loopback one */
	unsigned port;
	const char *request; /* whole, as bytes */
	bool head_only;      /* its answers have no body */
};

/*
 * Connects as the client of that number, from 127.1.0.0 on; 0 is 127.0.0.1.
 * It goes on by itself. False: it could not begin.
 */
bool visit_connect(
	struct visit *visit, const struct visited *where, unsigned client);

/* Sends the request, when the connection is ready. False: it has failed. */
bool visit_ask(struct visit *visit, const struct visited *where);

enum visit_state {
	VISIT_WAITS,
	VISIT_DONE,   /* the whole answer is there */
	VISIT_FAILED, /* it closed before, or the status is not 200 */
};

/* Takes what has come. */
enum visit_state visit_read(struct visit *visit, const struct visited *where);

void visit_close(struct visit *visit);
