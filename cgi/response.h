/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/reason.h"

struct sink;
struct target;

/* Returns the status for a reason: 200 for none, else 403, 404 or 503. */
int response_status(enum reason reason);

/* Returned if nothing was sent; errno says why. */
#define RESPONSE_NOTHING (-2)

/*
 * Sends a line of text as a whole answer. A 405 gets Allow (RFC 9110, section
 * 15.5.6), a 503 Retry-After. head_only: without the body. bytes gets the size
 * of the body sent. Returns what the sink's send() returns.
 */
long long response_text(struct sink *sink, int status, bool head_only,
	const char *text, long long *bytes);

/*
 * Sends a boot file. bytes gets the size of the body sent, 0 for a head alone.
 * If the sink takes over the file, target->fd becomes -1. Returns what the
 * sink's send() returns, or RESPONSE_NOTHING.
 */
long long response_file(struct sink *sink, struct target *target,
	bool head_only, long long *bytes);

/*
 * Has the web server send the file. header is the line that requests this,
 * without its end. As response_file(); EOVERFLOW if header is too long.
 */
long long response_offload(
	struct sink *sink, const char *header, const char *type);
