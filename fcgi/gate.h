/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * The gate in front of libfcgi, which trusts what its peer says: it blocks
 * without a limit on records that do not come to an end, and takes lengths as
 * they stand. So it is given only connections on which one whole, plain
 * request lies ready to be read.
 */

/* The largest request, in bytes: BEGIN_REQUEST to the end of STDIN. */
#define GATE_SIZE_MAX 65536

enum gate {
	GATE_WAIT,   /* well-formed so far, but not whole yet */
	GATE_PASS,   /* one whole request, and nothing behind it */
	GATE_REFUSE, /* anything else: close the connection */
};

/*
 * Looks at the size bytes that a connection has sent so far: they must be
 * BEGIN_REQUEST of the responder role, PARAMS, STDIN (FastCGI specification
 * 1.0, sections 3.3, 5.1 to 5.3), each stream closed, all of one request id.
 * There is no padding where libfcgi would take it for the next record: behind
 * BEGIN_REQUEST, and behind the empty record that closes a stream.
 * Names are neither empty nor contain "="; there is no NUL in names and
 * values, since both become C strings. scratch is room to work in.
 */
enum gate gate_check(const unsigned char *bytes, size_t size,
	unsigned char scratch[static GATE_SIZE_MAX]);
