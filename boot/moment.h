/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <time.h>

/* Whether a is later than b, both by the same clock. */
bool moment_is_after(const struct timespec *a, const struct timespec *b);

/* Whether a moment of CLOCK_MONOTONIC has come. */
bool moment_has_come(const struct timespec *moment);

/* The moment of CLOCK_MONOTONIC that is now. */
struct timespec moment_now(void);

/* The moment that is so many milliseconds after another one. */
struct timespec moment_plus_ms(const struct timespec *moment, long ms);
