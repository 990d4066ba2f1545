/* SPDX-License-Identifier: MIT */
/*
 * Prints metrics in Prometheus' text format: counts of the log, and links that
 * wait in the tree.
 */
#include "ctl/metrics.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/stats.h"

static void begin_metric(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

static void print_gauge(const char *name, const char *help, long long value)
{
	begin_metric(name, "gauge", help);
	printf("%s %lld\n", name, value);
}

/*
 * Counts over the whole log only grow until a rotation, which looks like a
 * restart: a counter. Counts over the last hours also shrink, which rate()
 * would take for restarts: a gauge. A metric has one type, so these are two,
 * and only the counter's name ends in _total.
 */
struct log_metric {
	const char *name, *recent_name;
	const char *help;
};

static const char *begin_log_metric(
	const struct log_metric *metric, bool recent)
{
	const char *name = recent ? metric->recent_name : metric->name;
	char help[128];

	snprintf(help, sizeof help, "%s %s", metric->help,
		recent ? "in the last part of the log" : "in the log");
	begin_metric(name, recent ? "gauge" : "counter", help);
	return name;
}

/*
 * Whether PXESrv gives such answers. Their series exist from the start, as 0:
 * increase() does not see the first request of a series that begins with it.
 */
static bool is_expected(int source, int status)
{
	switch (status) {
	case 200:
		return source != LOGPARSE_NAMES;
	case 404:
	case 503:
		return true;
	case 403:
		return source != LOGPARSE_OTHER;
	case 499:
		return source < LOGPARSE_NAMES;
	case 400:
	case 405:
	case 500:
		return source == LOGPARSE_OTHER;
	default:
		return false;
	}
}

static void print_requests_metric(const struct stats *stats, bool recent)
{
	static const struct log_metric metric = {
		"pxesrv_requests_total",
		"pxesrv_recent_requests",
		"Requests by what the answer came from, and its status,",
	};
	const char *name = begin_log_metric(&metric, recent);

	for (int source = 0; source <= LOGPARSE_OTHER; source++) {
		for (int status = 0; status < STATS_STATUS_END; status++) {
			const unsigned long long n =
				stats->requests[source][status];
			if (n > 0 || is_expected(source, status))
				printf("%s{decision=\"%s\",status=\"%d\"} %llu\n",
					name, logparse_sources[source], status,
					n);
		}
	}
}

/* Prints a label's value. The log has no line feed to escape. */
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
	static const struct log_metric metric = {
		"pxesrv_target_requests_total",
		"pxesrv_recent_target_requests",
		"Requests by the boot file, of those asked for most,",
	};
	const size_t most = stats_choose_most(targets, STATS_TARGETS_MAX);
	const char *name = begin_log_metric(&metric, recent);

	for (size_t i = 0; i < most; i++) {
		printf("%s{target=\"", name);
		print_label(targets->all[i]->name, targets->all[i]->length);
		printf("\"} %llu\n", targets->all[i]->count);
	}
}

/* Bounded labels, where one for each client would not be. */
static void print_booting(struct tallies *booting)
{
	static const char name[] = "pxesrv_booting_clients";
	static const unsigned boots[] = {1, 2, 3, 5, 10, 20, 50};
	size_t count = stats_choose_most(booting, booting->count);

	begin_metric(name, "gauge",
		"Clients that were sent a boot file at least this many times in the last hour of the log");
	for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
		while (count > 0 && booting->all[count - 1]->count < boots[i])
			count--;
		printf("%s{boots=\"%u\"} %zu\n", name, boots[i], count);
	}
}

/* Links that wait: these kinds of entries, but armed ones may be expired. */
static const enum entry_kind waiting_kinds[] = {
	ENTRY_ARMED, ENTRY_UNTIL, ENTRY_CLAIMED};
#define EXPIRED 3 /* in struct waiting */
#define WAITING_KINDS 4

struct waiting {
	struct ctl *ctl;
	int at; /* the kind that is counted */
	struct {
		const char *kind;
		long long count;
		time_t oldest;
	} of[WAITING_KINDS];
};

static void count_waiting(const char *name, void *context)
{
	struct waiting *waiting = context;
	struct entry entry;

	if (!entry_look(
		    waiting->ctl, waiting_kinds[waiting->at], name, &entry) ||
		entry.link_text[0] == '\0')
		return;
	const int at = entry.is_expired ? EXPIRED : waiting->at;
	if (waiting->of[at].count++ == 0 ||
		entry.since < waiting->of[at].oldest)
		waiting->of[at].oldest = entry.since;
}

/* Returns 0 or -errno, with a message. */
static int count_all_waiting(struct ctl *ctl, struct waiting *out)
{
	int err = ctl->tree.root >= 0
	                  ? 0
	                  : tree_open(ctl->root, ctl->allow, &ctl->tree);

	if (err < 0)
		warnx("the tree %s: %s", ctl->root, strerror(-err));
	*out = (struct waiting){.ctl = ctl};
	out->of[EXPIRED].kind = "expired";
	for (int i = 0; i < EXPIRED && err == 0; i++) {
		const struct entry_place *place =
			&entry_places[waiting_kinds[i]];
		out->at = i;
		out->of[i].kind = place->word;
		err = entry_each(
			&ctl->tree, waiting_kinds[i], count_waiting, out);
		if (err < 0)
			warnx("%s/%s: %s", ctl->root, place->directory,
				strerror(-err));
	}
	return err;
}

static void print_waiting(const struct waiting *waiting)
{
	static const char links[] = "pxesrv_links";
	static const char oldest[] = "pxesrv_oldest_link_timestamp_seconds";
	bool any = false;

	begin_metric(links, "gauge",
		"Links that wait in the tree, by the kind that pxesrvctl list shows");
	for (int i = 0; i < WAITING_KINDS; i++)
		printf("%s{kind=\"%s\"} %lld\n", links, waiting->of[i].kind,
			waiting->of[i].count);
	for (int i = 0; i < WAITING_KINDS; i++) {
		if (waiting->of[i].count == 0)
			continue;
		if (!any)
			begin_metric(oldest, "gauge",
				"When the oldest of these links was made or, if unsure, claimed");
		any = true;
		printf("%s{kind=\"%s\"} %lld\n", oldest, waiting->of[i].kind,
			(long long)waiting->of[i].oldest);
	}
}

bool metrics_print(struct ctl *ctl, struct stats *stats)
{
	const bool recent = ctl->since != NULL;
	struct waiting waiting;

	if (count_all_waiting(ctl, &waiting) < 0)
		return false;
	print_requests_metric(stats, recent);
	print_targets_metric(&stats->targets, recent);
	print_booting(&stats->booting);
	if (stats->last_boot > 0)
		print_gauge("pxesrv_last_boot_timestamp_seconds",
			"When a boot file was sent last, in the log",
			(long long)stats->last_boot);
	print_waiting(&waiting);
	print_gauge("pxesrv_stats_timestamp_seconds",
		"When pxesrvctl wrote these metrics", (long long)stats->now);
	return true;
}
