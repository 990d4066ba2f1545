/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <time.h>

/* Whether a is later than b. Both must be times of the same clock. */
bool moment_is_after(const struct timespec *a, const struct timespec *b);

/* Whether a time of CLOCK_MONOTONIC has come. */
bool moment_has_come(const struct timespec *moment);

/* The current time of CLOCK_MONOTONIC. */
struct timespec moment_now(void);

struct timespec moment_plus_ms(const struct timespec *moment, long ms);
