/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>

#include "cgi/sink.h"

/* A sink that is an open file: standard output, as a web server gives it. */
struct output {
	struct sink sink;
	int fd;
	sigset_t waiting; /* signals that stay blocked even while waiting */
};

/*
 * Makes fd the sink. From here on the signals that ask a program to end are
 * blocked, but end a wait for the web server: so an answer is whole, or it
 * fails and its link can be put back. Process-wide, and for good.
 */
void output_open(int fd, struct output *out);
