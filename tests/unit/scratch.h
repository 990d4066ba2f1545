/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A directory for the files of a test, which is the current one meanwhile. */

/* Ends the test: what it needs can't be had. */
static inline _Noreturn void stop(const char *what)
{
	perror(what);
	printf("Bail out! %s\n", what);
	exit(1);
}

/* Makes it, and writes its path, free of links, to out. */
static inline void scratch_enter(char *out, size_t size)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(out, size, "%s/pxesrv test.XXXXXX",
		temporary == NULL ? "/tmp" : temporary);
	if (mkdtemp(out) == NULL || chdir(out) < 0)
		stop(out);
	if (getcwd(out, size) == NULL)
		stop("getcwd");
}
