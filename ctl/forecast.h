/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stddef.h>

struct ctl;
struct tree;

/* What becomes of a once link when its machine asks. */
enum forecast_kind {
	FORECAST_GOOD,
	FORECAST_UNKNOWN,   /* it depends on who the responder is */
	FORECAST_DOUBT,     /* the same, and it fails for most */
	FORECAST_ELSEWHERE, /* the responder sees other directories */
	FORECAST_FAILS,     /* the answer is 503 */
};

/* The same words for each command that says it. */
struct forecast {
	enum forecast_kind kind;
	int error; /* FORECAST_FAILS: the errno that the answer names */
	char path[PATH_MAX]; /* where it is wrong */
	char problem[512];
	char advice[256];
};

/*
 * The functions below want open eyes: as_user_begin_reading(). Only what is
 * certain is FORECAST_FAILS: where nobody knows the user of the responder, what
 * no user but root can do. They move and make nothing.
 */

/*
 * Of all once links: whether the responder of the tree may claim. Waits for the
 * lock on once/.lock, two seconds at most.
 */
void forecast_links(const struct ctl *ctl, struct forecast *out);

/* Of the link of one client, by what forecast_links() has said. */
void forecast_link(const struct ctl *ctl, const struct forecast *links,
	const char *client, struct forecast *out);

/*
 * Of an entry that this process may not read: whether the responder may is
 * unknown, unless this process has the eyes of its user.
 */
void forecast_unseen(
	const struct ctl *ctl, const char *path, struct forecast *out);

/* Of moving it to once/.served/ afterwards. The answer does not depend on it.
 */
void forecast_served(const struct ctl *ctl, struct forecast *out);

/* Writes in words which process has the lock on once/.lock. */
void forecast_lock_holder(const struct tree *tree, char *out, size_t size);
