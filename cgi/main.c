/* SPDX-License-Identifier: MIT */
/*
 * The CGI program (RFC 3875): one request from the environment, one answer on
 * standard output. It has no arguments: a web server may put the words of a
 * query there (section 4.4), which come from the client.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/once.h"
#include "cgi/input.h"
#include "cgi/output.h"
#include "cgi/respond.h"

static void tell(const char *line, void *context)
{
	(void)context;
	fprintf(stderr, "pxesrv: %s\n", line);
}

int main(void)
{
	/* Each request is a start: a missing root is a wrong setting here. */
	const struct service service = {
		.settings = settings_default,
		.no_root_status = 500,
		.complains = true,
	};
	struct output output;

	umask(0); /* what is made says its mode itself */
	tzset();
	once_set_reporter(tell, NULL);
	input_discard(STDIN_FILENO, getenv("CONTENT_LENGTH"));
	output_open(STDOUT_FILENO, &output);
	/* This sink has sent all when it returns. */
	respond(&service, NULL, environ, &output.sink);
	return 0;
}
