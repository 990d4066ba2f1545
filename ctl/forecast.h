/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/*
 * Whether this process could claim links at all: 0, or the errno, and the path
 * at which it would be met.
 */
int forecast_directories(const struct tree *tree, const char **where);

/* The same of moving them to once/.served/ afterwards. */
int forecast_served(const struct tree *tree);

/*
 * Whether this process could claim the once link of a client, which is there:
 * 0, or the errno that claim_take() would meet. It moves and makes nothing.
 */
int forecast_claim(const struct tree *tree, const char *client);
