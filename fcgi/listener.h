/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/stat.h>

struct options;

struct listener {
	int fd;
	const char *path; /* of our own socket, else NULL */
	dev_t device;     /* identity of our own socket */
	ino_t inode;
};

/*
 * Takes over the socket that the program was started with, or creates the one
 * in the options. Replaces a stale socket, but no other file and no socket that
 * is served. Ends the program with a message on failure.
 */
void listener_open(const struct options *options, struct listener *out);

/* Closes the socket. Removes our own socket if it is still ours. */
void listener_close(const struct listener *listener);
