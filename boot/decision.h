/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "boot/claim.h"
#include "boot/reason.h"
#include "boot/target.h"

struct tree;

enum source {
	SOURCE_ONCE,
	SOURCE_GRACE, /* a once link again, within PXESRV_ONCE_GRACE */
	SOURCE_STATIC,
	SOURCE_DEFAULT,
};

/* The source's name in the log: once, static or default. */
const char *source_name(enum source source);

/* Which boot file a client gets, or why it gets none. */
struct decision {
	enum source source;
	int error;          /* 0, or a positive errno */
	enum reason reason; /* what the error means for the client */
	const char *words;  /* the error in words */
	bool once_is_file;  /* once/<client> is no link, and was ignored */
	char entry[ENTRY_PATH_SIZE]; /* such as once/10.0.0.7 */
	char link_text[PATH_MAX];    /* text of the entry; empty: not a link */
	struct target target;
	char grace_path[CLAIM_PATH_SIZE]; /* SOURCE_GRACE: path of the link */
};

/*
 * Decides for a client, named by its canonical address. The first entry in
 * once/, static/, default decides; a broken entry does not fall through to the
 * next. Decides a second time after ESTALE. Moves nothing. grace is in seconds.
 * Release out with decision_close().
 */
void decision_make(const struct tree *tree, const char *client, unsigned grace,
	struct decision *out);

/*
 * Claims the decision's once link. If somebody has replaced the link since
 * then, decides by the new link. Returns 0; -ENOENT if the entry has changed,
 * so decide again; or another -errno, which the decision records. After an
 * error the link is still in once/, unless claim_put_back() failed.
 */
int decision_claim(const struct tree *tree, const char *client,
	struct decision *decision, struct claim *claim);

/* Makes the decision a temporary failure. error is a positive errno. */
void decision_fail(struct decision *decision, int error);

#define DECISION_LINE_SIZE 2048 /* bytes */

/* Writes the error line for the client: entry, link and reason. */
void decision_error_line(
	const struct decision *decision, char out[static DECISION_LINE_SIZE]);

/* Closes the target if it is open. Calling it twice is safe. */
void decision_close(const struct tree *tree, struct decision *decision);
