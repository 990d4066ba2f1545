/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/claim.h"
#include "boot/client.h"
#include "cgi/metavar.h"
#include "cgi/settings.h"

struct sink;

/* One request and what becomes of it. */
struct request {
	struct sink *sink;
	struct metavars vars;
	struct settings settings;
	struct client client; /* empty name: not known */
	bool head_only;

	bool is_later;      /* the sink sends the rest of the answer */
	bool has_claim;     /* claim is ours, and is still to be settled */
	struct claim claim; /* the once link that is being answered */
	int root_fd;        /* is_later: of the claim's tree; -1: none */

	/* For the log: */
	int status;
	long long bytes;         /* of the body that the web server has taken */
	char log_decision[2048]; /* one line, escaped; empty: none */
};

/* Sends a line of text as the answer; notes status and size. */
void request_text(struct request *r, int status, const char *text);

/* Records what the web server has not taken, as a sink's send() returned it. */
void request_note_undelivered(struct request *r, long long undelivered);

/* Adds to the decision in the log. It cuts off what does not fit. */
void request_add(struct request *r, const char *text);

/* The same, of what printf(3) would print. */
__attribute__((format(printf, 2, 3))) void request_note(
	struct request *r, const char *format, ...);
