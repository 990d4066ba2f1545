/* SPDX-License-Identifier: MIT */
#pragma once

struct request;
struct tree;

/*
 * Answers /redirect: the client's boot file, or why there is none. If the rest
 * of the answer is sent later, r has its claim and maybe the tree's root; then
 * call redirect_settle() at the end.
 */
void redirect_answer(struct request *r, struct tree *tree);

/*
 * Settles the claim at the end of the answer. undelivered is how many bytes the
 * web server has not taken, as the sink's send() returns it.
 */
void redirect_settle(
	struct request *r, const struct tree *tree, long long undelivered);
