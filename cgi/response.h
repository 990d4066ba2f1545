/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/reason.h"

struct sink;
struct target;

/* The status of an answer: 200 without a reason, else 403, 404 or 503. */
int response_status(enum reason reason);

/* What these return instead when they have sent nothing: errno tells why. */
#define RESPONSE_NOTHING (-2)

/*
 * Sends a line of text as a whole answer. A 405 gets its Allow header here (RFC
 * 9110, section 15.5.6), a 503 its Retry-After. Only the head is sent when
 * head_only. Writes the size of the body that is sent to bytes, and returns
 * what the sink's send() does.
 */
long long response_text(struct sink *sink, int status, bool head_only,
	const char *text, long long *bytes);

/*
 * Sends a boot file. Returns what the sink's send() does, or RESPONSE_NOTHING.
 * When the sink has taken the file over, target->fd is -1. bytes gets the size
 * of the body that is sent, 0 for a head alone.
 */
long long response_file(struct sink *sink, struct target *target,
	bool head_only, long long *bytes);

/*
 * Has the web server send the file itself. header is the line that tells it
 * to, without its end. As response_file(), and EOVERFLOW when it does not fit.
 */
long long response_offload(
	struct sink *sink, const char *header, const char *type);
