/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Whether a web server answers a HEAD request for url with 200, 403 or 404,
 * within seconds. False, with a message: it does not. Ends the program if url
 * is not http://HOST[:PORT]/PATH.
 */
bool probe_answers(const char *url);
