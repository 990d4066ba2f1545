/* SPDX-License-Identifier: MIT */
/* A CGI program that prints fixed bytes. */
#include <unistd.h>

#include "fixed.h"

int main(void)
{
	char answer[FIXED_SIZE];

	fixed_write(answer);
	return write(STDOUT_FILENO, answer, sizeof answer) !=
	       (ssize_t)sizeof answer;
}
