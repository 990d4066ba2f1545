/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "settings.h"

struct kept;
struct log;
struct sink;

/* What answers requests, as it was started. */
struct service {
	struct settings settings; /* the request's own win over them */
	struct log *log;          /* settings.log, open; NULL: open it anew */
	int no_root_status;       /* when the root can't be opened */
	bool is_bound;  /* places that only a request names can't be opened */
	bool complains; /* what only an administrator can mend: to stderr too */
};

/*
 * Answers one request, start to end, and logs it. env is the CGI environment
 * or the FastCGI params: strings NAME=value, NULL-terminated. The answer may
 * be left unended (see struct sink); then it was not delivered. kept is the
 * thread's, for the requests to come; NULL when there are none.
 */
void respond(const struct service *service, struct kept *kept,
	char *const env[], struct sink *sink);
