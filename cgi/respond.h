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
	bool is_bound;  /* places that only a request names can't be opened */
	bool complains; /* report a status of 500 on standard error, too */
};

/* A request whose answer is still being sent, and what is left to do then. */
struct unsettled;

/*
 * Answers one request, start to end, and logs it. env is the CGI environment
 * or the FastCGI params: strings NAME=value, NULL-terminated. cache is
 * the calling thread's, for further requests; NULL when there are none.
 *
 * Returns NULL; or, when the sink's send() has said SINK_LATER, what is to be
 * given to respond_settle() once that is over. Where there is no memory for
 * that it is NULL as well: then the request is over, and counts as broken off.
 */
struct unsettled *respond(const struct service *service,
	struct tree_cache *cache, char *const env[], struct sink *sink);

/*
 * Before the rest of an answer is read or settled, and after. False: its file
 * system holds too many threads already; try again later.
 */
bool respond_enter(const struct unsettled *unsettled);
void respond_leave(void);

/*
 * Ends a request whose answer is over. missing: bytes that the web server has
 * not taken. Settles the claim, writes the log line, and frees. Any thread may
 * call it.
 */
void respond_settle(struct unsettled *unsettled, long long missing);
