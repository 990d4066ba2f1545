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

	/* Of an answer whose rest the sink sends later: */
	bool is_later;
	bool has_claim;     /* which is to be settled then */
	int root;           /* of the tree that the claim is in */
	struct claim claim; /* the once link that is being answered */

	/* For the log: */
	int status;
	long long bytes;     /* of the body that the web server has taken */
	char decision[2048]; /* one line, escaped; empty: none */
};

/* Sends a line of text as the answer; notes status and size. */
void request_text(struct request *r, int status, const char *text);

/* Notes what became of the answer, as a sink's send() has said it. */
void request_sent(struct request *r, long long missing);

/* Adds to the decision in the log. It cuts off what does not fit. */
void request_add(struct request *r, const char *text);

/* The same, of what printf(3) would print. */
__attribute__((format(printf, 2, 3))) void request_note(
	struct request *r, const char *format, ...);
