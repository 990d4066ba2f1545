/* SPDX-License-Identifier: MIT */
#pragma once

struct request;
struct tree;

/* Answers /done: the machine needs its link in until/ no more. */
void done_answer(struct request *r, const struct tree *tree);
