/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "boot/claim.h"
#include "boot/keys.h"
#include "boot/reason.h"
#include "boot/target.h"

struct tree;

enum source {
	SOURCE_ONCE,
	SOURCE_GRACE, /* a once link again, within PXESRV_ONCE_GRACE */
	SOURCE_UNTIL,
	SOURCE_STATIC,
	SOURCE_SUBNET,
	SOURCE_DEFAULT,
	SOURCE_NAMES, /* the machine's entry in names/ is broken */
};

/* The source's name in the log, such as once or default. */
const char *source_name(enum source source);

/* When once links count, in seconds. */
struct once_limits {
	unsigned grace;   /* after a claim the same answer is given again */
	unsigned expires; /* an older link counts as missing; 0: none does */
};

/*
 * Whether a once link that was made at this time (st_mtim) has expired. expires
 * is in seconds; 0: none does.
 */
bool decision_has_expired(const struct timespec *made, unsigned expires);

/* An entry that does not count. */
struct ignored_entry {
	char path[ENTRY_PATH_SIZE];
	const char *why; /* such as "is no link" */
};

/* Each key may have one in once/ and one in until/. */
#define IGNORED_MAX (2 * KEYS_MAX)

/* Which boot file a client gets, or why it gets none. */
struct decision {
	enum source source;
	int error;                   /* 0, or a positive errno */
	enum reason reason;          /* what the error means for the client */
	const char *words;           /* the error in words */
	char entry[ENTRY_PATH_SIZE]; /* such as once/10.0.0.7 */
	char key[KEY_SIZE];       /* of the entry: its name; empty: "default" */
	char link_text[PATH_MAX]; /* text of the entry; empty: not a link */
	struct target target;
	char grace_path[CLAIM_PATH_SIZE]; /* SOURCE_GRACE: path of the link */
	struct ignored_entry ignored[IGNORED_MAX];
	unsigned ignored_count;
};

/*
 * Decides for a machine. The first entry in once/, until/, static/, subnet/ or
 * "default" decides, in each directory by the machine's keys in their order; a
 * broken entry does not fall through to the next. Decides a second time after
 * ESTALE. Moves nothing. Release out with decision_close().
 */
void decision_make(const struct tree *tree, const struct identities *who,
	const struct once_limits *limits, struct decision *out);

/*
 * Claims the decision's once link. If somebody has replaced the link since
 * then, decides by the new link. Returns 0; -ENOENT if the entry has changed,
 * so decide again; or another -errno, which the decision records. After an
 * error the link is still in once/, unless claim_put_back() failed.
 */
int decision_claim(const struct tree *tree, struct decision *decision,
	struct claim *claim);

/* Makes the decision a temporary failure. error is a positive errno. */
void decision_fail(struct decision *decision, int error);

/* Closes the target if it is open. Calling it twice is safe. */
void decision_close(const struct tree *tree, struct decision *decision);
