/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* The Test Anything Protocol: one line a check, the plan at the end. */
static int tap_count, tap_failed;

static inline bool tap_ok(bool passed, const char *what)
{
	tap_count++;
	tap_failed += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", tap_count, what);
	return passed;
}

/* The exit status of the program. */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}
