/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct options {
	const char *socket_path; /* NULL: the socket is given to us */
	mode_t socket_mode;
	uid_t socket_user;  /* (uid_t)-1: leave it */
	gid_t socket_group; /* (gid_t)-1: leave it */
	bool check_only;
};

/* Reads the command line. Ends the program on -h, -V, and wrong usage. */
void options_parse(int argc, char *argv[], struct options *out);
