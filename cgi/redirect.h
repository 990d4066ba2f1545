/* SPDX-License-Identifier: MIT */
#pragma once

struct request;
struct tree;

/*
 * Answers /redirect: the boot file of the client, or why there is none. When
 * the rest of the answer is sent later, its claim stays in r, and the tree's
 * root may have become that of r; then redirect_settle() is to follow.
 */
void redirect(struct request *r, struct tree *tree);

/* The answer is over, as a sink's send() says it: so is its claim. */
void redirect_settle(
	struct request *r, const struct tree *tree, long long missing);
