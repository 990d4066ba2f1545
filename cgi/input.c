/* SPDX-License-Identifier: MIT */
#include "cgi/input.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "boot/number.h"

void input_discard(int fd, const char *size)
{
	char bytes[16384];
	unsigned left;

	if (size == NULL || !number_parse(size, 10, 0, UINT_MAX, &left))
		return;
	while (left > 0) {
		ssize_t n = read(
			fd, bytes, left < sizeof bytes ? left : sizeof bytes);
		if (n == 0 || (n < 0 && errno != EINTR))
			return;
		if (n > 0)
			left -= (unsigned)n;
	}
}
