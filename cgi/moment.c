/* SPDX-License-Identifier: MIT */
#include "moment.h"

bool moment_is_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

bool moment_has_come(const struct timespec *moment)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return !moment_is_after(moment, &now);
}
