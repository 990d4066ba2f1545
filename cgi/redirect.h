/* SPDX-License-Identifier: MIT */
#pragma once

struct exchange;
struct tree;

/* Answers /redirect: the boot file of the client, or why there is none. */
void redirect(struct exchange *x, const struct tree *tree);
