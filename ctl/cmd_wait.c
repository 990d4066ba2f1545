/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl wait: waits until the links of clients are served, or done. Looks
 * at the tree when inotify(7) tells that something has moved, or each second
 * where it can't tell.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/moment.h"
#include "boot/once.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/as_user.h"
#include "ctl/awaited.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/logparse.h"
#include "ctl/print.h"
#include "ctl/progress.h"
#include "ctl/watch.h"

/* Milliseconds until the next look: */
#define LOOK_AFTER_DOUBT 100
#define LOOK_AFTER_EVENT 50 /* many machines boot at the same time */
#define LOOK_WHILE_POLLING 1000
#define LOOK_IN_ANY_CASE 60000 /* not each mount is an event */
#define DRAW_EACH 1000

/* Why the waiting is over. */
enum end { END_NONE, END_FINISHED, END_TIMEOUT, END_SIGNAL, END_ERROR };

struct waiting {
	struct ctl *ctl;
	struct awaited awaited;
	size_t room; /* of awaited.clients */
	struct watch watch;
	int signals; /* signalfd(2) */
	int signal;  /* the one that has ended it; 0: none has */
	bool has_bar, has_deadline;
	struct timespec deadline, next_look;
};

static bool add_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	struct waiting *waiting = context;
	struct awaited *awaited = &waiting->awaited;

	(void)ctl;
	if (awaited->count == waiting->room) {
		waiting->room = 2 * waiting->room + 64;
		awaited->clients = reallocarray(awaited->clients, waiting->room,
			sizeof *awaited->clients);
		if (awaited->clients == NULL)
			err(EX_OSERR, NULL);
	}
	awaited_client_of(client->key, &awaited->clients[awaited->count++]);
	return true;
}

/* The path of what was served, or is done. */
static void name_over(const struct awaited_client *client,
	enum awaited_kind kind, char out[static ENTRY_PATH_SIZE])
{
	snprintf(out, ENTRY_PATH_SIZE, "%s/%s",
		kind == AWAITED_ONCE ? SERVED_DIR : DONE_DIR, client->key);
}

/* Names of states in JSON. A once link is served, an until link is done. */
static const char *state_word(enum awaited_kind kind, enum awaited_state state)
{
	static const char *const words[] = {
		[AWAITED_NOTHING] = "not armed",
		[AWAITED_ARMED] = "armed",
		[AWAITED_CLAIMED] = "claimed",
		[AWAITED_OVER] = "served",
		[AWAITED_CANCELLED] = "cancelled",
		[AWAITED_EXPIRED] = "expired",
		[AWAITED_GONE] = "gone",
	};

	return state == AWAITED_OVER && kind == AWAITED_UNTIL ? "done"
	                                                      : words[state];
}

static const char *kind_word(enum awaited_kind kind)
{
	return kind == AWAITED_ONCE ? "once" : "until";
}

/* 14:03:05 in local time; of another day, with the date before it. */
static void format_clock(time_t time, time_t now, char out[static AGE_SIZE])
{
	struct tm then, today;

	if (localtime_r(&time, &then) == NULL ||
		localtime_r(&now, &today) == NULL)
		then = today = (struct tm){.tm_mday = 1};
	const bool is_today =
		then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
	strftime(out, AGE_SIZE, is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S",
		&then);
}

static void print_over_text(const struct awaited_client *client,
	enum awaited_kind kind, const char *target, time_t now)
{
	char shown[PATH_MAX], when[AGE_SIZE];

	/* once/.. is the root. */
	escape_line(strncmp(target, "../", 3) == 0 ? target + 3 : target, shown,
		sizeof shown);
	format_clock(client->links[kind].since, now, when);
	printf("%s: ", client->key);
	print_coloured(GOOD, state_word(kind, AWAITED_OVER));
	printf("%s%s at %s\n", shown[0] == '\0' ? "" : " ", shown, when);
}

/* What has become of a link that was not served. */
static const char *lost_text(enum awaited_kind kind, enum awaited_state state)
{
	switch (state) {
	case AWAITED_CANCELLED:
		return kind == AWAITED_ONCE ? "cancelled"
		                            : "its until link was removed";
	case AWAITED_EXPIRED:
		return "expired";
	case AWAITED_GONE:
		return "gone from once/.claimed/; pxesrvctl log says whether it was served";
	default:
		return "not armed";
	}
}

static void print_event_json(const struct awaited_client *client,
	enum awaited_kind kind, const char *target)
{
	const struct awaited_link *link = &client->links[kind];
	char when[AGE_SIZE];

	format_time(link->since, when);
	print_json(json_pack("{s:s,s:s,s:s,s:o?,s:s?}", "event",
		state_word(kind, link->state), "client", client->key, "kind",
		kind_word(kind), "target",
		target[0] == '\0' ? NULL : json_string_of(target), "time",
		link->since == 0 ? NULL : when));
}

static void report_event(const struct awaited_client *client,
	enum awaited_kind kind, void *context)
{
	const struct waiting *waiting = context;
	const enum awaited_state state = client->links[kind].state;
	char path[ENTRY_PATH_SIZE], target[PATH_MAX] = "";

	name_over(client, kind, path);
	if (state == AWAITED_OVER &&
		tree_read_link(waiting->awaited.tree, path, target) < 0)
		target[0] = '\0'; /* rare: the next one takes its place */
	if (waiting->has_bar)
		progress_clear();
	if (waiting->ctl->json) {
		print_event_json(client, kind, target);
	} else if (state == AWAITED_OVER) {
		print_over_text(client, kind, target, waiting->awaited.now);
	} else {
		printf("%s: ", client->key);
		print_coloured(BAD, lost_text(kind, state));
		putchar('\n');
	}
	fflush(stdout);
}

/* The first link of a client that was not served, or is not done. */
static enum awaited_kind missing_kind(const struct awaited_client *client)
{
	for (int kind = 0; kind < AWAITED_KINDS; kind++) {
		const enum awaited_state state = client->links[kind].state;
		if (state != AWAITED_OVER && state != AWAITED_NOTHING)
			return (enum awaited_kind)kind;
	}
	return AWAITED_ONCE;
}

static void print_missing(const struct awaited_client *client, time_t now)
{
	const enum awaited_kind kind = missing_kind(client);
	const struct awaited_link *link = &client->links[kind];
	char age[AGE_SIZE];

	format_age((long long)(now - link->since), age);
	if (link->state == AWAITED_ARMED && kind == AWAITED_ONCE)
		warnx("%s: not served: armed for %s", client->key, age);
	else if (link->state == AWAITED_ARMED)
		warnx("%s: not done: armed in until/ for %s", client->key, age);
	else if (link->state == AWAITED_CLAIMED)
		warnx("%s: not served: an answer that began %s ago is not over; a crash may have interrupted it (pxesrvctl list unsure)",
			client->key, age);
	else if (client->is_settled)
		warnx("%s: not served: %s", client->key,
			lost_text(kind, link->state));
	else
		warnx("%s: not known", client->key); /* after an error */
}

static size_t count_over(const struct awaited *awaited)
{
	size_t count = 0;

	for (size_t i = 0; i < awaited->count; i++)
		count += awaited_is_over(&awaited->clients[i]);
	return count;
}

static json_t *pack_missing(const struct awaited_client *client)
{
	const enum awaited_kind kind = missing_kind(client);
	const enum awaited_state state = client->links[kind].state;
	const bool is_known = client->is_settled || state != AWAITED_NOTHING;

	return json_pack("{s:s,s:s,s:s}", "client", client->key, "kind",
		kind_word(kind), "state",
		is_known ? state_word(kind, state) : "unknown");
}

static void print_end_json(const struct awaited *awaited, enum end end)
{
	static const char *const reasons[] = {
		[END_FINISHED] = "finished",
		[END_TIMEOUT] = "timeout",
		[END_SIGNAL] = "signal",
		[END_ERROR] = "error",
	};
	json_t *missing = json_array();

	for (size_t i = 0; i < awaited->count; i++) {
		if (!awaited_is_over(&awaited->clients[i]))
			json_array_append_new(
				missing, pack_missing(&awaited->clients[i]));
	}
	print_json(json_pack("{s:s,s:s,s:I,s:I,s:o}", "event", "end", "reason",
		reasons[end], "clients", (json_int_t)awaited->count, "over",
		(json_int_t)count_over(awaited), "missing", missing));
}

static void print_end_text(const struct awaited *awaited, enum end end)
{
	const size_t missing = awaited->count - count_over(awaited);
	const time_t now = time(NULL);

	if (missing == 0)
		return;
	warnx("%s%zu of %zu missing:",
		end == END_TIMEOUT  ? "the time is up: "
		: end == END_SIGNAL ? "interrupted: "
				    : "",
		missing, awaited->count);
	for (size_t i = 0; i < awaited->count; i++) {
		if (!awaited_is_over(&awaited->clients[i]))
			print_missing(&awaited->clients[i], now);
	}
}

/* The link that has been waited for the longest, or NULL. */
static const struct awaited_client *find_oldest(
	const struct awaited *awaited, time_t *since)
{
	const struct awaited_client *oldest = NULL;

	for (size_t i = 0; i < awaited->count; i++) {
		const struct awaited_client *client = &awaited->clients[i];
		if (client->is_settled)
			continue;
		const time_t armed = client->links[missing_kind(client)].since;
		if (oldest == NULL || armed < *since) {
			oldest = client;
			*since = armed;
		}
	}
	return oldest;
}

static void draw_bar(const struct waiting *waiting)
{
	const struct awaited *awaited = &waiting->awaited;
	char text[256] = "", age[AGE_SIZE];
	time_t since = 0;

	const struct awaited_client *oldest = find_oldest(awaited, &since);
	if (oldest != NULL && since > 0) {
		format_age((long long)(time(NULL) - since), age);
		snprintf(text, sizeof text, ", %s waits for %s", oldest->key,
			age);
	}
	if (waiting->has_deadline) {
		format_age(waiting->deadline.tv_sec - moment_now().tv_sec, age);
		snprintf(text + strlen(text), sizeof text - strlen(text),
			", %s left", age);
	}
	progress_draw(count_over(awaited), awaited->count, text);
}

static void keep_earlier(struct timespec *moment, const struct timespec *other)
{
	if (moment_is_after(moment, other))
		*moment = *other;
}

static void look_within(struct waiting *waiting, long ms)
{
	const struct timespec now = moment_now();
	const struct timespec then = moment_plus_ms(&now, ms);

	keep_earlier(&waiting->next_look, &then);
}

static void plan_next_look(struct waiting *waiting)
{
	const struct awaited *awaited = &waiting->awaited;
	const struct timespec now = moment_now();

	waiting->next_look = moment_plus_ms(&now, LOOK_IN_ANY_CASE);
	if (waiting->has_deadline && !moment_has_come(&waiting->deadline))
		keep_earlier(&waiting->next_look, &waiting->deadline);
	if (waiting->watch.inotify < 0)
		look_within(waiting, LOOK_WHILE_POLLING);
	if (awaited->has_doubts)
		look_within(waiting, LOOK_AFTER_DOUBT);
	if (awaited->next_expiry != 0 &&
		awaited->next_expiry - time(NULL) < LOOK_IN_ANY_CASE / 1000)
		look_within(waiting,
			1000 * (long)(awaited->next_expiry - time(NULL)));
}

/* Milliseconds until a moment, rounded up; 0 if it has come. */
static int ms_until(const struct timespec *moment)
{
	const struct timespec now = moment_now();
	const long long ms = (moment->tv_sec - now.tv_sec) * 1000LL +
	                     (moment->tv_nsec - now.tv_nsec) / 1000000 + 1;

	return ms < 0 ? 0 : (int)ms;
}

/* Waits for one thing. False: a signal has come, or nobody reads our output. */
static bool wait_for_event(struct waiting *waiting, bool *has_changed)
{
	struct pollfd fds[] = {{.fd = waiting->signals, .events = POLLIN},
		{.fd = STDOUT_FILENO}, /* for POLLERR only */
		{.fd = *has_changed ? -1 : waiting->watch.inotify,
			.events = POLLIN}};
	struct signalfd_siginfo info;
	int ms = ms_until(&waiting->next_look);

	if (waiting->has_bar && ms > DRAW_EACH)
		ms = DRAW_EACH;
	if (poll(fds, 3, ms) <= 0)
		return true;
	if (fds[0].revents != 0 &&
		read(waiting->signals, &info, sizeof info) > 0) {
		waiting->signal = (int)info.ssi_signo;
		return false;
	}
	if (fds[1].revents != 0) {
		waiting->signal = SIGPIPE;
		raise(SIGPIPE); /* as the next write would, much later */
		return false;
	}
	if (fds[2].revents != 0) {
		*has_changed = true;
		look_within(waiting, LOOK_AFTER_EVENT);
	}
	return true;
}

/* Waits until it is time for the next look. False: a signal has come. */
static bool wait_for_next_look(struct waiting *waiting)
{
	bool has_changed = false;

	plan_next_look(waiting);
	while (!moment_has_come(&waiting->next_look)) {
		if (waiting->has_bar)
			draw_bar(waiting);
		if (!wait_for_event(waiting, &has_changed))
			return false;
	}
	return true;
}

/* As the responder does: the root may be a link that somebody switches. */
static void look_for_root(struct ctl *ctl)
{
	struct tree tree;

	if (tree_open(ctl->root, ctl->allow, &tree) < 0)
		return;
	tree_close(&ctl->tree);
	ctl->tree = tree;
}

static enum end wait_for_all(struct waiting *waiting)
{
	struct awaited *awaited = &waiting->awaited;

	for (bool is_last = false;;) {
		look_for_root(waiting->ctl);
		watch_renew(&waiting->watch, awaited->tree);
		awaited_look(awaited);
		if (awaited->error < 0)
			return END_ERROR;
		if (awaited->waiting == 0)
			return END_FINISHED;
		const bool is_time_up = waiting->has_deadline &&
		                        moment_has_come(&waiting->deadline);
		if (is_time_up && (is_last || !awaited->has_doubts))
			return END_TIMEOUT;
		is_last = is_time_up;
		if (!wait_for_next_look(waiting))
			return END_SIGNAL;
	}
}

/*
 * Blocks the signals that end a program, and opens a descriptor for them. One
 * that is ignored, such as by nohup(1), stays so.
 */
static int open_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	const int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err(EX_OSERR, "signalfd"); /* no test: signalfd fails */
	return fd;
}

static void print_end(const struct waiting *waiting, enum end end)
{
	const struct awaited *awaited = &waiting->awaited;

	if (waiting->has_bar)
		progress_clear();
	if (end == END_ERROR)
		print_error(awaited->place, "%s", strerror(-awaited->error));
	if (waiting->ctl->json)
		print_end_json(awaited, end);
	else
		print_end_text(awaited, end);
}

/* Returns whether all links were served, or are done. */
static bool wait_and_report(struct waiting *waiting)
{
	sigset_t signals;

	waiting->signals = open_signals(&signals);
	watch_open(&waiting->watch);
	as_user_begin_reading(waiting->ctl);
	const enum end end = wait_for_all(waiting);
	as_user_end();
	print_end(waiting, end);
	watch_close(&waiting->watch);
	close(waiting->signals);
	if (waiting->signal != 0) {
		/* End by the signal, for the shell that waits for us. */
		fflush(stdout);
		raise(waiting->signal);
	}
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	return end == END_FINISHED &&
	       count_over(&waiting->awaited) == waiting->awaited.count;
}

bool cmd_wait(struct ctl *ctl, int count, char *const operands[])
{
	struct waiting waiting = {.ctl = ctl,
		.awaited = {.tree = &ctl->tree,
			.expires = ctl->once.expires,
			.report = report_event,
			.context = &waiting},
		.has_bar = !ctl->json && isatty(STDOUT_FILENO)};

	if (ctl->timeout != NULL) {
		waiting.has_deadline = true;
		waiting.deadline = moment_now();
		waiting.deadline.tv_sec +=
			(time_t)logparse_duration("--timeout", ctl->timeout);
	}
	bool done = clients_each(ctl, count, operands, add_client, &waiting);
	awaited_sort(&waiting.awaited);
	if (waiting.awaited.count > 0)
		done = wait_and_report(&waiting) && done;
	free(waiting.awaited.clients);
	return done;
}
