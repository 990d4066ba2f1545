/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stddef.h>

struct ctl;
struct tree;

/* What will happen to a once link when its machine asks. */
enum forecast_kind {
	FORECAST_GOOD,
	FORECAST_UNKNOWN,   /* depends on the responder's user */
	FORECAST_MAY_FAIL,  /* problem says what it depends on */
	FORECAST_ELSEWHERE, /* the responder sees other directories */
	FORECAST_FAILS,     /* the answer is 503 */
};

/* A prediction, in the same words for all commands. */
struct forecast {
	enum forecast_kind kind;
	int error;           /* FORECAST_FAILS: errno in the answer */
	char path[PATH_MAX]; /* where the problem is */
	char problem[512];
	char advice[256];
};

/*
 * Call these functions between as_user_begin_reading() and as_user_end(). They
 * change nothing. FORECAST_FAILS is certain: if the responder's user is
 * unknown, no user but root would succeed.
 */

/*
 * For all once links: whether the responder can claim. Waits for the lock on
 * once/.lock, for two seconds at most.
 */
void forecast_links(const struct ctl *ctl, struct forecast *out);

/* For a client's link, given the result of forecast_links(). */
void forecast_link(const struct ctl *ctl, const struct forecast *links,
	const char *client, struct forecast *out);

/*
 * For an entry that this process may not read, which says nothing about a
 * responder of another user.
 */
void forecast_unseen(
	const struct ctl *ctl, const char *path, struct forecast *out);

/* For moving a claim to once/.served/, which does not change the answer. */
void forecast_served(const struct ctl *ctl, struct forecast *out);

/* For the links in until/, when their machines ask for /done. */
void forecast_done(const struct ctl *ctl, struct forecast *out);

/* Names the holder of once/.lock, in words. */
void forecast_lock_holder(const struct tree *tree, char *out, size_t size);
