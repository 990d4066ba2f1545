/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <time.h>

#include "ctl/logparse.h"

#define STATS_STATUS_END 1000

/* How far back boots count as a loop. */
#define STATS_BOOTING_SECONDS 3600

/* The most targets that are listed: what a dashboard or a reader can take. */
#define STATS_TARGETS_MAX 100

/* The counts of one name. */
struct tally {
	unsigned long long count;
	time_t last; /* time of the newest request */
	const char *name;
	size_t length; /* bytes of name, which has no NUL */
};

/* Tallies by name. The number of names bounds the memory. */
struct tallies {
	void *root; /* tsearch(3) */
	struct tally **all;
	size_t count, room;
};

/* What the lines of the log add up to. */
struct stats {
	time_t now;
	time_t since; /* older lines don't count */
	/* by source and status */
	unsigned long long requests[LOGPARSE_OTHER + 1][STATS_STATUS_END];
	struct tallies targets, clients;

	/* These count older lines than since, too. */
	time_t last_boot;       /* when a boot file was sent last; 0: never */
	struct tallies booting; /* boot files of the last hour, by client */
};

/* Sorts the tallies by count. Returns how many to list, at most max. */
size_t stats_choose_most(struct tallies *tallies, size_t max);
