/* SPDX-License-Identifier: MIT */
#pragma once

struct request;
struct tree;

/*
 * Answers /redirect: the boot file of the client, or why there is none. When
 * the rest of the answer is sent later, its claim stays in r, and the tree's
 * root may have become that of r; then redirect_settle() is to follow.
 */
void redirect_answer(struct request *r, struct tree *tree);

/*
 * The answer is over: settles its claim. undelivered: bytes that the web server
 * has not taken, as a sink's send() returns them.
 */
void redirect_settle(
	struct request *r, const struct tree *tree, long long undelivered);
