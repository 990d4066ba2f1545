/* SPDX-License-Identifier: MIT */
#include "cgi/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"
#include "cgi/response.h"
#include "cgi/sink.h"

void exchange_text(struct exchange *x, int status, const char *text)
{
	x->status = status;
	exchange_sent(x,
		response_text(x->sink, status, x->head_only, text, &x->bytes));
}

void exchange_sent(struct exchange *x, long long missing)
{
	x->is_later = missing == SINK_LATER;
	if (missing <= 0)
		return;
	/* The body comes last, so that is what is missing first. */
	x->bytes = x->bytes > missing ? x->bytes - missing : 0;
	if (!x->has_claim)
		exchange_note(x, " (not delivered)");
}

/* cppcheck-suppress constParameterPointer ; x->decision is written to */
void exchange_add(struct exchange *x, const char *text)
{
	struct text decision = {
		.out = x->decision,
		.size = sizeof x->decision,
		.length = strlen(x->decision),
	};

	text_add(&decision, text);
}

void exchange_note(struct exchange *x, const char *format, ...)
{
	size_t used = strlen(x->decision);
	va_list args;

	va_start(args, format);
	vsnprintf(x->decision + used, sizeof x->decision - used, format, args);
	va_end(args);
}
