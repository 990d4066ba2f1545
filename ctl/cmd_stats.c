/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl stats: counts log lines by decision, status, target and client, for
 * people or, by metrics.c, for Prometheus.
 */
#include <err.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ctl.h"
#include "ctl/logfile.h"
#include "ctl/metrics.h"
#include "ctl/print.h"
#include "ctl/stats.h"

/* The most that are listed: what a reader can take. */
#define CLIENTS_MAX 10

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
	/* Lines are logged when answers end, not quite in order of time. */
	if (line->time > tally->last)
		tally->last = line->time;
}

static void free_tallies(struct tallies *tallies)
{
	tdestroy(tallies->root, free);
	free(tallies->all);
}

static int compare_counts(const void *left, const void *right)
{
	const struct tally *const *a = left, *const *b = right;

	if ((*a)->count != (*b)->count)
		return (*a)->count > (*b)->count ? -1 : 1;
	return compare_tally_names(*a, *b);
}

size_t stats_choose_most(struct tallies *tallies, size_t max)
{
	if (tallies->count > 0)
		qsort(tallies->all, tallies->count, sizeof(struct tally *),
			compare_counts);
	return tallies->count < max ? tallies->count : max;
}

/* HEAD asks for the length only. */
static bool is_boot(const struct parsed_line *line)
{
	return line->status == 200 && line->target != NULL &&
	       strcmp(line->method, "GET") == 0;
}

static void count_boot(struct stats *stats, const struct parsed_line *line)
{
	if (line->time > stats->last_boot)
		stats->last_boot = line->time;
	if (line->time > stats->now - STATS_BOOTING_SECONDS)
		count_name(&stats->booting, line->client, strlen(line->client),
			line);
}

static void count_line(const struct parsed_line *line, void *context)
{
	struct stats *stats = context;

	if (is_boot(line))
		count_boot(stats, line);
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
		for (int status = 0; status < STATS_STATUS_END; status++)
			sum += stats->requests[source][status];
		printf("%10llu  %s\n", sum, logparse_sources[source]);
	}
}

static void print_statuses(const struct stats *stats)
{
	puts("\n  requests  status");
	for (int status = 0; status < STATS_STATUS_END; status++) {
		unsigned long long sum = 0;
		for (int source = 0; source <= LOGPARSE_OTHER; source++)
			sum += stats->requests[source][status];
		if (sum > 0)
			printf("%10llu  %d\n", sum, status);
	}
}

static void print_targets(struct tallies *targets)
{
	const size_t most = stats_choose_most(targets, STATS_TARGETS_MAX);

	puts("\n  requests  target");
	for (size_t i = 0; i < most; i++)
		printf("%10llu  %.*s\n", targets->all[i]->count,
			(int)targets->all[i]->length, targets->all[i]->name);
	if (targets->count > most)
		printf("%10s  (%zu more)\n", "", targets->count - most);
}

static void print_clients(struct tallies *clients)
{
	const size_t most = stats_choose_most(clients, CLIENTS_MAX);
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

bool cmd_stats(struct ctl *ctl, int count, char *const operands[])
{
	struct stats stats = {
		.since = logparse_since(ctl->since), .now = time(NULL)};

	/* Partial counts would look like complete ones. */
	bool done = logfile_each(ctl, count, operands, count_line, &stats);
	if (done && ctl->prometheus)
		done = metrics_print(ctl, &stats);
	else if (done)
		print_stats_text(&stats);
	free_tallies(&stats.targets);
	free_tallies(&stats.clients);
	free_tallies(&stats.booting);
	return done;
}
