/* SPDX-License-Identifier: MIT */
/* Arithmetic with struct timespec. Limits are moments of CLOCK_MONOTONIC. */
#include "boot/moment.h"

bool moment_is_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

struct timespec moment_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now;
}

bool moment_has_come(const struct timespec *moment)
{
	const struct timespec now = moment_now();

	return !moment_is_after(moment, &now);
}

struct timespec moment_plus_ms(const struct timespec *moment, long ms)
{
	struct timespec after = *moment;

	after.tv_sec += ms / 1000;
	after.tv_nsec += ms % 1000 * 1000000;
	if (after.tv_nsec >= 1000000000) {
		after.tv_sec++;
		after.tv_nsec -= 1000000000;
	}
	return after;
}
