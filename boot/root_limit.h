/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Limits how many threads may be at work in one root. A file system that hangs
 * blocks every thread that uses it. The limit keeps threads free to serve other
 * roots and to report the failure.
 */

#define ROOT_LIMIT_SLOTS 64

struct root_limit {
	unsigned most;
	/* Roots that share a slot by chance also share the limit. */
	atomic_uint inside[ROOT_LIMIT_SLOTS];
};

/* Returns false if the root already has as many threads as allowed. */
bool root_limit_enter(struct root_limit *limit, const char *root);

/* Leaves the root that the calling thread has entered, if any. */
void root_limit_leave(void);

/* Call these around a wait for another thread, which must not count. */
void root_limit_pause(void);
void root_limit_resume(void);
