/* SPDX-License-Identifier: MIT */
/* A request, from its meta-variables to its line in the log. */
#include "cgi/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"
#include "cgi/response.h"
#include "cgi/sink.h"

bool request_refuse_outdated(struct request *r, int error)
{
	const bool is_refused =
		error == EACCES || error == EPERM || error == EROFS;

	if (!is_refused || r->is_outdated == NULL || !r->is_outdated(error))
		return false;
	/* no test: no sandbox may hold what is counted */
	request_note(r,
		" (%s: the root, once/ or until/ was replaced since the start, so the responder ends and must be started again)",
		strerror(error));
	request_text(r, 503,
		"# The boot server's directories were replaced; it starts anew");
	return true;
}

void request_text(struct request *r, int status, const char *text)
{
	r->status = status;
	request_note_undelivered(r,
		response_text(r->sink, status, r->head_only, text, &r->bytes));
}

void request_note_undelivered(struct request *r, long long undelivered)
{
	r->is_later = undelivered == SINK_LATER;
	if (undelivered <= 0)
		return;
	/* The body is sent last, so its bytes are the first to be missing. */
	r->bytes = r->bytes > undelivered ? r->bytes - undelivered : 0;
	if (!r->has_claim)
		request_note(r, " (not delivered)");
}

/* cppcheck-suppress constParameterPointer ; r->log_decision is written to */
void request_add(struct request *r, const char *text)
{
	struct text decision = {
		.out = r->log_decision,
		.size = sizeof r->log_decision,
		.length = strlen(r->log_decision),
	};

	text_add(&decision, text);
}

void request_note(struct request *r, const char *format, ...)
{
	size_t used = strlen(r->log_decision);
	va_list args;

	va_start(args, format);
	vsnprintf(r->log_decision + used, sizeof r->log_decision - used, format,
		args);
	va_end(args);
}
