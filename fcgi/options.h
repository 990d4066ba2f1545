/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct options {
	const char *socket_path; /* NULL: the socket was passed to us */
	mode_t socket_mode;
	uid_t socket_user;  /* (uid_t)-1: unchanged */
	gid_t socket_group; /* (gid_t)-1: unchanged */
	bool check_only;
};

/* Parses the command line. Ends the program for -h, -V and wrong usage. */
void options_parse(int argc, char *argv[], struct options *out);
