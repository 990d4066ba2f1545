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
	SOURCE_GRACE, /* a once link, again, within PXESRV_ONCE_GRACE */
	SOURCE_STATIC,
	SOURCE_DEFAULT,
};

/* As the log names it: once, static, default. */
const char *source_name(enum source source);

/* Which boot file a client gets, or why it gets none. */
struct decision {
	enum source source;
	int error;           /* 0, or the errno that is in the way */
	enum reason reason;  /* what that means for the client */
	const char *words;   /* the error for people */
	bool once_is_file;   /* once/<client> is no link, and was ignored */
	char entry[64];      /* such as once/10.0.0.7 */
	char text[PATH_MAX]; /* the entry's link as written; "": no link */
	struct target target;
	char recent[CLAIM_PATH_SIZE]; /* SOURCE_GRACE: where the link lies */
};

/*
 * Decides for a client, by its canonical address: the first entry that exists
 * in once/, static/, default. A broken entry does not fall through to the next.
 * Moves nothing. grace is in seconds. What comes out must be given to
 * decision_close().
 */
void decision_make(const struct tree *tree, const char *client, unsigned grace,
	struct decision *out);

/*
 * Claims the once link that was decided for. 0, or -ENOENT when another request
 * was faster: decide again. With any other -errno the decision is that error,
 * and the link is where it was. If the link was replaced since the decision was
 * made, the decision becomes the link that was moved.
 */
int decision_claim(const struct tree *tree, const char *client,
	struct decision *decision, struct claim *claim);

/* Makes the decision a temporary failure, in the words of strerror(3). */
void decision_fail(struct decision *decision, int error);

#define DECISION_LINE_SIZE 2048 /* bytes */

/* Writes the line that a client gets for the error: entry, link and reason. */
void decision_error_line(
	const struct decision *decision, char out[static DECISION_LINE_SIZE]);

void decision_close(const struct tree *tree, struct decision *decision);
