/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/claim.h"
#include "boot/client.h"
#include "cgi/metavar.h"
#include "cgi/settings.h"

struct sink;

struct request {
	struct sink *sink;
	struct metavars vars;
	struct settings settings;
	struct client client;                /* empty key: unknown */
	struct identities who;               /* once the client is known */
	char who_notes[IDENTIFY_NOTES_SIZE]; /* of identify_read() */
	bool head_only;
	bool (*is_outdated)(int error); /* as in struct service */

	bool is_later;      /* the sink sends the rest of the answer */
	bool has_claim;     /* claim is ours and is not settled yet */
	struct claim claim; /* the once link that is being answered */
	int root_fd;        /* is_later: root of the claim's tree; or -1 */

	/* For the log: */
	int status;
	long long bytes;         /* of the body, taken by the web server */
	char log_decision[2048]; /* one line, escaped; empty: none */
};

/*
 * Answers 503 if error, a positive errno, comes from a sandbox that knows other
 * directories than are there now. False: it does not, and nothing was sent.
 */
bool request_refuse_outdated(struct request *r, int error);

/* Sends a line of text as the answer; records its status and size. */
void request_text(struct request *r, int status, const char *text);

/* Records how many bytes the web server has not taken, as of send(). */
void request_note_undelivered(struct request *r, long long undelivered);

/* Appends to the decision in the log; cuts off what does not fit. */
void request_add(struct request *r, const char *text);

/* As request_add(), with text formatted as by printf(3). */
__attribute__((format(printf, 2, 3))) void request_note(
	struct request *r, const char *format, ...);
