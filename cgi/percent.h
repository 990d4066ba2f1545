/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes length bytes of percent-encoded text (RFC 3986, section 2.1), once.
 * False: wrongly encoded, a NUL, or longer than size bytes with its own NUL.
 */
bool percent_decode(const char *text, size_t length, char *out, size_t size);
