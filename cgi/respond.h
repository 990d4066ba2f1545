/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "cgi/settings.h"

struct tree_cache;
struct log;
struct root_limit;
struct sink;

/* How this process answers requests. */
struct service {
	struct settings settings; /* a request's own settings override these */
	struct log *log;    /* open settings.log; NULL: open it per request */
	int no_root_status; /* if the root can't be opened */
	struct root_limit *limit; /* NULL: no limit */
	/*
	 * Whether the sandbox knows other directories than are there now. Then
	 * the process is about to end. NULL: there is no sandbox.
	 */
	bool (*is_outdated)(int error);
	bool is_confined; /* only places known at the start can be opened */
	bool reports_500; /* also report a status of 500 on standard error */
};

/* A request whose answer is still being sent. */
struct unfinished;

/*
 * Answers and logs one request. env is the CGI environment or the FastCGI
 * params: NAME=value strings, NULL-terminated. cache is the calling thread's,
 * for later requests; NULL: there are none.
 *
 * If the sink's send() returned SINK_LATER, returns what respond_finish() needs
 * at the end of the answer. Otherwise returns NULL; also without memory, when
 * the request is over and counts as broken off.
 */
struct unfinished *respond(const struct service *service,
	struct tree_cache *cache, char *const env[], struct sink *sink);

/*
 * Call these around work on an unfinished request. False: its file system
 * already holds up too many threads; try again later.
 */
bool respond_enter(const struct unfinished *unfinished);
void respond_leave(void);

/*
 * Ends a request whose answer is over: settles the claim, logs, frees. The web
 * server has not taken undelivered bytes. Any thread may call it.
 */
void respond_finish(struct unfinished *unfinished, long long undelivered);
