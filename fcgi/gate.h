/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * The gate in front of libfcgi, which trusts its peer: it blocks without limit
 * on unfinished records and believes all lengths. So libfcgi gets a connection
 * only when one whole, plain request is ready to be read.
 */

/* The largest request, in bytes from BEGIN_REQUEST to the end of STDIN. */
#define GATE_SIZE_MAX 65536

enum gate {
	GATE_WAIT,   /* well-formed so far, but incomplete */
	GATE_PASS,   /* one whole request, and nothing behind it */
	GATE_REFUSE, /* anything else: close the connection */
};

/*
 * Judges the size bytes that a connection has sent so far. They must be
 * BEGIN_REQUEST of the responder role, PARAMS, STDIN (FastCGI specification
 * 1.0, sections 3.3, 5.1 to 5.3), each stream closed, all of one request id.
 * Padding is refused behind BEGIN_REQUEST and behind the end of a stream, where
 * libfcgi would take it for a record. Names are not empty and have no "=";
 * names and values have no NUL: they become C strings. scratch is work space.
 */
enum gate gate_check(const unsigned char *bytes, size_t size,
	unsigned char scratch[static GATE_SIZE_MAX]);
