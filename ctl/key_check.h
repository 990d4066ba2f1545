/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct ctl;
struct entry;

/* What is wrong with an entry's name, so that no machine gets the entry. */
struct key_problem {
	const char *problem;
	char advice[256];
};

/* Checks the name of an entry that machines look for. False: it is good. */
bool key_check(const struct ctl *ctl, const struct entry *entry,
	struct key_problem *out);
