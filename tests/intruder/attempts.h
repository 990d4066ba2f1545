/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>

/* What an intruder tries: 0 when it succeeds, else the errno. */
struct attempt {
	const char *name;
	int (*run)(void);
};

/* Each list ends with a name that is NULL. */
extern const struct attempt attempts_on_files[];
extern const struct attempt attempts_by_calls[];

/* An entry of a list. */
#define ATTEMPT(name)       \
	{                   \
#name, name \
	}

/* The result of a system call, whose value is of no interest, as an errno. */
static inline int attempt_result(long value)
{
	return value < 0 ? errno : 0;
}

/* An attempt that is one call. */
#define CALL(name, call)                     \
	static int name(void)                \
	{                                    \
		return attempt_result(call); \
	}
