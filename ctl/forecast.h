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
	FORECAST_MAY_FAIL,  /* problem says on what it depends */
	FORECAST_ELSEWHERE, /* the responder sees other directories */
	FORECAST_FAILS,     /* the answer is 503 */
};

/* The prediction, in the same words for all commands. */
struct forecast {
	enum forecast_kind kind;
	int error; /* FORECAST_FAILS: the errno that the answer names */
	char path[PATH_MAX]; /* where it is wrong */
	char problem[512];
	char advice[256];
};

/*
 * Call the functions below between as_user_begin_reading() and as_user_end().
 * FORECAST_FAILS is only for what is certain: if the responder's user is
 * unknown, that no user but root could do it. They change nothing.
 */

/*
 * For all once links: whether the responder of the tree can claim. Waits for
 * the lock on once/.lock, for two seconds at most.
 */
void forecast_links(const struct ctl *ctl, struct forecast *out);

/* For the link of one client, given the result of forecast_links(). */
void forecast_link(const struct ctl *ctl, const struct forecast *links,
	const char *client, struct forecast *out);

/*
 * For an entry that this process may not read. Unless it runs as the
 * responder's user, that says nothing about the responder.
 */
void forecast_unseen(
	const struct ctl *ctl, const char *path, struct forecast *out);

/* For moving a claim to once/.served/. The answer does not depend on it. */
void forecast_served(const struct ctl *ctl, struct forecast *out);

/* Writes which process holds the lock on once/.lock, in words. */
void forecast_lock_holder(const struct tree *tree, char *out, size_t size);
