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
	int error;          /* 0, or the errno that is in the way */
	enum reason reason; /* what that means for the client */
	const char *words;  /* the error for people */
	bool once_is_file;  /* once/<client> is no link, and was ignored */
	char entry[64];     /* such as once/10.0.0.7 */
	char link_text[PATH_MAX]; /* of the entry; empty: it is no link */
	struct target target;
	char grace_path[CLAIM_PATH_SIZE]; /* SOURCE_GRACE: the link's path */
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
 * Claims the once link that was decided for. If the link was replaced since the
 * decision was made, the decision becomes the link that was moved. 0; -ENOENT
 * when the entry has changed: decide again; or another -errno, which is then
 * the decision's error. With an error the link is still in once/, unless
 * putting it back has failed: see claim_put_back().
 */
int decision_claim(const struct tree *tree, const char *client,
	struct decision *decision, struct claim *claim);

/* Makes the decision a temporary failure. error: a positive errno. */
void decision_fail(struct decision *decision, int error);

#define DECISION_LINE_SIZE 2048 /* bytes */

/* Writes the line that a client gets for the error: entry, link and reason. */
void decision_error_line(
	const struct decision *decision, char out[static DECISION_LINE_SIZE]);

/* Closes the target if it is open. It may be called twice. */
void decision_close(const struct tree *tree, struct decision *decision);
