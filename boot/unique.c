/* SPDX-License-Identifier: MIT */
#include "boot/unique.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

int unique_text(char out[static UNIQUE_SIZE])
{
	/* Each thread counts on from a number that nobody else has chosen. */
	static _Thread_local uint64_t next;
	static _Thread_local bool has_begun;

	if (!has_begun &&
		getrandom(&next, sizeof next, 0) != (ssize_t)sizeof next)
		return -EIO;
	has_begun = true;
	snprintf(out, UNIQUE_SIZE, "%016" PRIx64, next++);
	return 0;
}
