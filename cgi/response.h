/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct sink;
struct target;

/*
 * Sends a line of text as a whole answer. A 405 gets its Allow header here (RFC
 * 9110, section 15.5.6), a 503 its Retry-After. Only the head is
 * sent when head_only. Returns the bytes of body sent, or -1 when the answer
 * was not delivered.
 */
long long response_text(
	struct sink *sink, int status, bool head_only, const char *text);

enum response_result {
	RESPONSE_DELIVERED,
	RESPONSE_BROKEN,  /* the answer did not get through */
	RESPONSE_NOTHING, /* nothing was sent yet: errno tells why */
};

/* Sends a boot file; writes to bytes how much of it went out. */
enum response_result response_file(struct sink *sink,
	const struct target *target, bool head_only, long long *bytes);

/*
 * Has the web server send the file itself. header is the line that tells it
 * to, without its end.
 */
enum response_result response_offload(
	struct sink *sink, const char *header, const char *type);
