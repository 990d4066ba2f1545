/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "cgi/settings.h"

struct tree_cache;
struct log;
struct root_limit;
struct sink;

/* What answers requests, as it was started. */
struct service {
	struct settings settings; /* the request's own win over them */
	struct log *log;          /* settings.log, open; NULL: open it anew */
	int no_root_status;       /* when the root can't be opened */
	struct root_limit *limit; /* NULL: there is none */
	bool is_confined; /* places that only a request names can't be opened */
	bool reports_500; /* report a status of 500 on standard error, too */
};

/* A request whose answer is still being sent. */
struct unfinished;

/*
 * Answers one request, start to end, and logs it. env is the CGI environment
 * or the FastCGI params: strings NAME=value, NULL-terminated. cache is
 * the calling thread's, for further requests; NULL when there are none.
 *
 * Returns NULL; or, when the sink's send() has said SINK_LATER, what is to be
 * given to respond_finish() once that is over. Where there is no memory for
 * that it is NULL as well: then the request is over, and counts as broken off.
 */
struct unfinished *respond(const struct service *service,
	struct tree_cache *cache, char *const env[], struct sink *sink);

/*
 * Call these around what goes on with an unfinished request. False: its file
 * system holds up too many threads already; try again later.
 */
bool respond_enter(const struct unfinished *unfinished);
void respond_leave(void);

/*
 * Ends a request whose answer is over. undelivered: bytes that the web server
 * has not taken. Settles the claim, writes the log line, and frees. Any thread
 * may call it.
 */
void respond_finish(struct unfinished *unfinished, long long undelivered);
