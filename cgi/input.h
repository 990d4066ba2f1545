/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the body that comes with a request on fd, to its end, and forgets it.
 * size is CONTENT_LENGTH in bytes, or NULL: no body. A web server that can't
 * get rid of a body may throw the answer away; and more than this must not be
 * read (RFC 3875, section 4.2).
 */
void input_discard(int fd, const char *size);
