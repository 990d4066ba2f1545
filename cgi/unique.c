/* SPDX-License-Identifier: MIT */
#include "unique.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

int unique_text(char out[static UNIQUE_SIZE])
{
	uint64_t unique;

	if (getrandom(&unique, sizeof unique, 0) != (ssize_t)sizeof unique)
		return -EIO;
	snprintf(out, UNIQUE_SIZE, "%016" PRIx64, unique);
	return 0;
}
