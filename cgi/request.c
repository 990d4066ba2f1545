/* SPDX-License-Identifier: MIT */
/* One request, from its meta-variables to its line in the log. */
#include "cgi/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"
#include "cgi/response.h"
#include "cgi/sink.h"

void request_text(struct request *r, int status, const char *text)
{
	r->status = status;
	request_sent(r,
		response_text(r->sink, status, r->head_only, text, &r->bytes));
}

void request_sent(struct request *r, long long missing)
{
	r->is_later = missing == SINK_LATER;
	if (missing <= 0)
		return;
	/* The body comes last, so that is what is missing first. */
	r->bytes = r->bytes > missing ? r->bytes - missing : 0;
	if (!r->has_claim)
		request_note(r, " (not delivered)");
}

/* cppcheck-suppress constParameterPointer ; r->decision is written to */
void request_add(struct request *r, const char *text)
{
	struct text decision = {
		.out = r->decision,
		.size = sizeof r->decision,
		.length = strlen(r->decision),
	};

	text_add(&decision, text);
}

void request_note(struct request *r, const char *format, ...)
{
	size_t used = strlen(r->decision);
	va_list args;

	va_start(args, format);
	vsnprintf(r->decision + used, sizeof r->decision - used, format, args);
	va_end(args);
}
