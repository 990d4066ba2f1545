/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl stats: counts the lines of the log by decision, status, target and
 * client, for people or for Prometheus.
 */
#include <err.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ctl.h"
#include "ctl/logfile.h"
#include "ctl/print.h"

#define STATUS_END 1000

/* How many are listed: as many as a dashboard, or a reader, can take. */
#define TARGETS_MAX 100
#define CLIENTS_MAX 10

/* What was counted for one name. */
struct tally {
	unsigned long long count;
	time_t last; /* of the newest request */
	const char *name;
	size_t length; /* of the name, which has no NUL */
};

/* Tallies by name. Memory is bounded by the number of names. */
struct tallies {
	void *root; /* tsearch(3) */
	struct tally **all;
	size_t count, room;
};

struct stats {
	time_t since; /* older lines don't count */
	/* By source and status. */
	unsigned long long requests[LOGPARSE_OTHER + 1][STATUS_END];
	struct tallies targets, clients;
};

static int compare_tally_names(const void *left, const void *right)
{
	const struct tally *a = left, *b = right;

	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->name, b->name, a->length);
}

static struct tally *add_tally(
	struct tallies *tallies, const char *name, size_t length)
{
	struct tally *tally = malloc(sizeof *tally + length);

	if (tallies->count == tallies->room) {
		tallies->room = 2 * tallies->room + 64;
		tallies->all = reallocarray(
			tallies->all, tallies->room, sizeof(struct tally *));
	}
	if (tally == NULL || tallies->all == NULL)
		err(EX_OSERR, NULL);
	char *copy = (char *)(tally + 1);
	memcpy(copy, name, length);
	*tally = (struct tally){.name = copy, .length = length};
	if (tsearch(tally, &tallies->root, compare_tally_names) == NULL)
		err(EX_OSERR, NULL);
	tallies->all[tallies->count++] = tally;
	return tally;
}

static void count_name(struct tallies *tallies, const char *name, size_t length,
	const struct parsed_line *line)
{
	const struct tally wanted = {.name = name, .length = length};
	struct tally **found =
		tfind(&wanted, &tallies->root, compare_tally_names);
	struct tally *tally =
		found != NULL ? *found : add_tally(tallies, name, length);

	tally->count++;
	/*
	 * Lines are logged when answers end, so not quite in the order of time.
	 */
	if (line->time > tally->last)
		tally->last = line->time;
}

static void free_tallies(struct tallies *tallies)
{
	tdestroy(tallies->root, free);
	free(tallies->all);
}

/* Highest counts first, then by name. */
static int compare_counts(const void *left, const void *right)
{
	const struct tally *const *a = left, *const *b = right;

	if ((*a)->count != (*b)->count)
		return (*a)->count > (*b)->count ? -1 : 1;
	return compare_tally_names(*a, *b);
}

/* Sorts the tallies. Returns how many of them to list. */
static size_t choose_most(struct tallies *tallies, size_t max)
{
	if (tallies->count > 0)
		qsort(tallies->all, tallies->count, sizeof(struct tally *),
			compare_counts);
	return tallies->count < max ? tallies->count : max;
}

static void count_line(const struct parsed_line *line, void *context)
{
	struct stats *stats = context;

	if (line->status == 0 || line->time < stats->since)
		return;
	stats->requests[line->source][line->status]++;
	count_name(&stats->clients, line->client, strlen(line->client), line);
	if (line->target != NULL)
		count_name(&stats->targets, line->target, line->target_length,
			line);
}

static void print_sources(const struct stats *stats)
{
	puts("  requests  decision");
	for (int source = 0; source <= LOGPARSE_OTHER; source++) {
		unsigned long long sum = 0;
		for (int status = 0; status < STATUS_END; status++)
			sum += stats->requests[source][status];
		printf("%10llu  %s\n", sum, logparse_sources[source]);
	}
}

static void print_statuses(const struct stats *stats)
{
	puts("\n  requests  status");
	for (int status = 0; status < STATUS_END; status++) {
		unsigned long long sum = 0;
		for (int source = 0; source <= LOGPARSE_OTHER; source++)
			sum += stats->requests[source][status];
		if (sum > 0)
			printf("%10llu  %d\n", sum, status);
	}
}

static void print_targets(struct tallies *targets)
{
	const size_t most = choose_most(targets, TARGETS_MAX);

	puts("\n  requests  target");
	for (size_t i = 0; i < most; i++)
		printf("%10llu  %.*s\n", targets->all[i]->count,
			(int)targets->all[i]->length, targets->all[i]->name);
	if (targets->count > most)
		printf("%10s  (%zu more)\n", "", targets->count - most);
}

static void print_clients(struct tallies *clients)
{
	const size_t most = choose_most(clients, CLIENTS_MAX);
	char time[AGE_SIZE];

	puts("\n  requests  last                  client");
	for (size_t i = 0; i < most; i++) {
		format_time(clients->all[i]->last, time);
		printf("%10llu  %-20s  %.*s\n", clients->all[i]->count, time,
			(int)clients->all[i]->length, clients->all[i]->name);
	}
	if (clients->count > most)
		printf("%10s  (%zu more)\n", "", clients->count - most);
}

static void print_stats_text(struct stats *stats)
{
	print_sources(stats);
	print_statuses(stats);
	print_targets(&stats->targets);
	print_clients(&stats->clients);
}

/*
 * Counts over the whole log only grow until the log is rotated, which looks
 * like a restart: a counter. Counts over the last hours also shrink, when a
 * line gets too old, and rate() would take that for a restart each time: a
 * gauge. A metric has one type, so these are two metrics, and only the
 * counter's name ends in _total.
 */
struct metric {
	const char *name, *recent_name;
	const char *help;
};

static const char *begin_metric(const struct metric *metric, bool recent)
{
	const char *name = recent ? metric->recent_name : metric->name;

	printf("# HELP %s %s %s.\n# TYPE %s %s\n", name, metric->help,
		recent ? "in the last part of the log" : "in the log", name,
		recent ? "gauge" : "counter");
	return name;
}

static void print_requests_metric(const struct stats *stats, bool recent)
{
	static const struct metric metric = {
		"pxesrv_requests_total",
		"pxesrv_recent_requests",
		"Requests by what the answer came from, and its status,",
	};
	const char *name = begin_metric(&metric, recent);

	for (int source = 0; source <= LOGPARSE_OTHER; source++) {
		for (int status = 0; status < STATUS_END; status++) {
			const unsigned long long n =
				stats->requests[source][status];
			/*
			 * A series that will be needed exists from the start,
			 * as 0.
			 */
			if (n > 0 ||
				(status == 200 && source != LOGPARSE_OTHER))
				printf("%s{decision=\"%s\",status=\"%d\"} %llu\n",
					name, logparse_sources[source], status,
					n);
		}
	}
}

/* Prints a label's value. The log has no line feeds to escape. */
static void print_label(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\\' || text[i] == '"')
			putchar('\\');
		putchar(text[i]);
	}
}

static void print_targets_metric(struct tallies *targets, bool recent)
{
	static const struct metric metric = {
		"pxesrv_target_requests_total",
		"pxesrv_recent_target_requests",
		"Requests by the boot file, of those asked for most,",
	};
	const size_t most = choose_most(targets, TARGETS_MAX);
	const char *name = begin_metric(&metric, recent);

	for (size_t i = 0; i < most; i++) {
		printf("%s{target=\"", name);
		print_label(targets->all[i]->name, targets->all[i]->length);
		printf("\"} %llu\n", targets->all[i]->count);
	}
}

bool cmd_stats(struct ctl *ctl, int count, char *const operands[])
{
	struct stats stats = {.since = logparse_since(ctl->since)};

	/* Partial counts would look like complete ones. */
	const bool done =
		logfile_each(ctl, count, operands, count_line, &stats);
	if (done && ctl->prometheus) {
		print_requests_metric(&stats, ctl->since != NULL);
		print_targets_metric(&stats.targets, ctl->since != NULL);
	} else if (done) {
		print_stats_text(&stats);
	}
	free_tallies(&stats.targets);
	free_tallies(&stats.clients);
	return done;
}
