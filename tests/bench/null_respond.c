/* SPDX-License-Identifier: MIT */
/* Stands in for the decision: fixed bytes, without a look at the request. */
#include "cgi/respond.h"
#include "cgi/sink.h"
#include "fixed.h"

struct unfinished *respond(const struct service *service,
	struct tree_cache *kept, char *const env[], struct sink *sink)
{
	char bytes[FIXED_SIZE];
	const struct answer answer = {
		.bytes = bytes, .size = sizeof bytes, .file = -1};

	(void)service;
	(void)kept;
	(void)env;
	fixed_write(bytes);
	sink->send(sink, &answer);
	return NULL;
}

/* No answer is sent later: it fits into the socket. */
void respond_finish(struct unfinished *unfinished, long long undelivered)
{
	(void)unfinished;
	(void)undelivered;
}

bool respond_enter(const struct unfinished *unfinished)
{
	(void)unfinished;
	return true;
}

void respond_leave(void)
{
}
