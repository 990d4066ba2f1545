/* SPDX-License-Identifier: MIT */
/*
 * The CGI program (RFC 3875): one request from the environment, one answer on
 * standard output. It has no arguments: a web server may put the words of a
 * query there (section 4.4), which come from the client.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/number.h"
#include "boot/once.h"
#include "cgi/output.h"
#include "cgi/respond.h"

/*
 * Reads the request's body and forgets it. size is CONTENT_LENGTH in bytes, or
 * NULL: no body. A web server that can't get rid of a body may throw the answer
 * away. More than size must not be read (RFC 3875, section 4.2).
 */
static void discard_body(const char *size)
{
	char bytes[16384];
	unsigned left;

	if (size == NULL || !number_parse(size, 10, 0, UINT_MAX, &left))
		return;
	while (left > 0) {
		ssize_t n = read(STDIN_FILENO, bytes,
			left < sizeof bytes ? left : sizeof bytes);
		if (n == 0 || (n < 0 && errno != EINTR))
			return;
		if (n > 0)
			left -= (unsigned)n;
	}
}

static void report_to_stderr(const char *line, void *context)
{
	(void)context;
	fprintf(stderr, "pxesrv: %s\n", line);
}

int main(void)
{
	/* Each request is a start, so a missing root is a wrong setting. */
	const struct service service = {
		.settings = settings_default,
		.no_root_status = 500,
		.reports_500 = true,
	};
	struct output output;

	umask(0); /* each call that makes something gives its mode */
	tzset();
	once_set_reporter(report_to_stderr, NULL);
	discard_body(getenv("CONTENT_LENGTH"));
	output_open(STDOUT_FILENO, &output);
	/* This sink has sent all when it returns. */
	respond(&service, NULL, environ, &output.sink);
	return 0;
}
