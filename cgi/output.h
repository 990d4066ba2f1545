/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>

#include "cgi/sink.h"

/* A sink that is an open file, such as standard output. */
struct output {
	struct sink sink;
	int fd;
	sigset_t waiting; /* signals that stay blocked even while waiting */
};

/*
 * Makes fd the sink. Blocks the signals that ask a program to end, except while
 * waiting for the web server, process-wide and permanently. So an answer is
 * whole, or it fails and its link can be put back.
 */
void output_open(int fd, struct output *out);
