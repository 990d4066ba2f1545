/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

struct options;

/* The listening socket that is served. */
struct listener {
	int fd;
	const char *path; /* of the socket that is our own, else NULL */
	dev_t device;     /* what it was when we made it */
	ino_t inode;
};

/*
 * Takes the socket that the program was started with, or makes the one that
 * the options name. A stale socket there is replaced; one that somebody
 * serves, or anything else, is left alone. Ends the program with a message
 * when there is none to be had.
 */
void listener_open(const struct options *options, struct listener *out);

/* Closes it; our own one is also removed, if it is still ours. */
void listener_close(struct listener *listener);
