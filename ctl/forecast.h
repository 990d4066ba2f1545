/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/*
 * Whether this process could claim the once link of a client, which is there:
 * 0, or the errno that claim_take() would meet. It moves and makes nothing.
 */
int forecast_claim(const struct tree *tree, const char *client);
