/* SPDX-License-Identifier: MIT */
#pragma once

/* What an intruder tries: 0 when it succeeds, else the errno. */
struct attempt {
	const char *name;
	int (*run)(void);
};

/* Each list ends with a name that is NULL. */
extern const struct attempt attempts_on_files[];
extern const struct attempt attempts_by_calls[];

/* The result of a system call, whose value is of no interest, as an errno. */
int attempt_result(long value);
