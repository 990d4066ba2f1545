/* SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

/* The answer of programs that decide nothing: as long as a real one. */
#define FIXED_HEAD                                    \
	"Status: 200 OK\r\n"                          \
	"Content-Type: text/plain; charset=utf-8\r\n" \
	"Content-Length: 1500\r\n"                    \
	"Cache-Control: no-store\r\n"                 \
	"\r\n"
#define FIXED_BODY 1500
#define FIXED_SIZE (sizeof FIXED_HEAD - 1 + FIXED_BODY)

static inline void fixed_write(char out[static FIXED_SIZE])
{
	memcpy(out, FIXED_HEAD, sizeof FIXED_HEAD - 1);
	memset(out + sizeof FIXED_HEAD - 1, '#', FIXED_BODY);
}
