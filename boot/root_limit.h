/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/*
 * How many threads may be at work in one root at a time. A file system that
 * does not answer holds each thread that asks it. So it must not get all: the
 * rest are for other roots, and for saying so.
 */

#define ROOT_LIMIT_SLOTS 64

struct root_limit {
	unsigned most;
	/* Roots share a slot by chance: then they share the limit, too. */
	atomic_uint inside[ROOT_LIMIT_SLOTS];
};

/* False: as many as may be are in there already. */
bool root_limit_enter(struct root_limit *limit, const char *root);

/* The thread leaves its root, if it has entered one. */
void root_limit_leave(void);

/*
 * The calling thread, wherever it is at work, waits for another one and not for
 * a file system: it does not count meanwhile.
 */
void root_limit_pause(void);
void root_limit_resume(void);
