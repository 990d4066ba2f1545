/* SPDX-License-Identifier: MIT */
/*
 * Clients that boot, for what wrk can't do: each from an address of its own,
 * one request each, arriving as they do; and HEAD; and large bodies.
 *
 *     load [-m METHOD] [-u PATH] [-k] [-a CLIENTS] [-w SIZE]
 *          [-c CONNECTIONS | -t MILLISECONDS] PORT REQUESTS
 *
 * -k  the connections are kept; else each request has one of its own
 * -a  the requests come from so many addresses in turn, else from 127.0.0.1
 * -w  counts the answers whose body has this size
 * -c  so many requests at a time (1)
 * -t  the requests come evenly over this time, however many are under way
 *
 * Prints: seconds, failed answers, answers of SIZE, and the 50th, 99th and
 * 100th percentile of the answers' latency in microseconds. -c: from sending
 * or, without -k, connecting. -t: from when it was due.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "visit.h"

#define EVENTS_MAX 256
#define SILENCE_MS 20000 /* after which those who wait have failed */

struct load {
	struct visited where;
	char request[512];
	bool keep;
	unsigned addresses, wanted;
	long long wanted_size;
	size_t at_a_time;
	int64_t spread; /* nanoseconds; 0: by at_a_time */

	int epoll;
	size_t begun, done, failed, matched;
	int64_t start;
	int64_t *latencies;
	struct visit *visits; /* at_a_time many */
	size_t *idle;         /* numbers of visits without a connection */
	size_t idle_count;
};

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t due(const struct load *load, size_t number)
{
	return load->start +
	       load->spread / (int64_t)load->wanted * (int64_t)number;
}

static void over(struct load *load, struct visit *visit, bool good)
{
	load->latencies[load->done++] = now() - visit->since;
	load->failed += !good;
	load->matched += good && visit->body == load->wanted_size;
}

static void release(struct load *load, struct visit *visit)
{
	visit_close(visit);
	load->idle[load->idle_count++] = (size_t)(visit - load->visits);
}

/* Begins the next request, on a connection of its own. */
static void begin(struct load *load)
{
	const size_t slot = load->idle[--load->idle_count];
	struct visit *visit = &load->visits[slot];
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = slot};
	const size_t number = load->begun++;
	const unsigned client =
		load->addresses == 0 ? 0
				     : 1 + (unsigned)(number % load->addresses);

	visit->since = load->spread > 0 ? due(load, number) : now();
	visit->head_size = 0;
	visit->left = -1;
	visit->body = -1;
	if (!visit_connect(visit, &load->where, client)) {
		over(load, visit, false);
		load->idle[load->idle_count++] = slot;
		return;
	}
	/* The request goes out when it is connected, which is told next. */
	visit->since = -visit->since;
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, visit->fd, &event) < 0)
		err(71, "epoll");
}

/* The next request on a connection that is kept. */
static bool again(struct load *load, struct visit *visit)
{
	if (!load->keep || visit->is_last || load->begun == load->wanted)
		return false;
	load->begun++;
	visit->since = now();
	if (visit_ask(visit, &load->where))
		return true;
	over(load, visit, false);
	return false;
}

static void go_on(struct load *load, const struct epoll_event *event)
{
	struct visit *visit = &load->visits[event->data.u64];

	if (visit->fd < 0)
		return;
	if (visit->since < 0) {
		visit->since = -visit->since;
		if (!visit_ask(visit, &load->where)) {
			over(load, visit, false);
			release(load, visit);
			return;
		}
	}
	enum visit_state state;
	while ((state = visit_read(visit, &load->where)) != VISIT_WAITS) {
		over(load, visit, state == VISIT_DONE);
		if (state == VISIT_DONE && again(load, visit))
			continue;
		release(load, visit);
		return;
	}
}

static bool may_begin(const struct load *load)
{
	return load->begun < load->wanted && load->idle_count > 0 &&
	       (load->spread == 0 || due(load, load->begun) <= now());
}

/* Milliseconds until something is to be done. */
static int patience(const struct load *load)
{
	if (load->spread == 0 || load->begun == load->wanted)
		return SILENCE_MS;
	const int64_t left = due(load, load->begun) - now();
	return left <= 0 ? 0 : (int)(left / 1000000) + (left < 1000000);
}

static void run(struct load *load)
{
	struct epoll_event events[EVENTS_MAX];

	load->start = now();
	while (load->done < load->wanted) {
		while (may_begin(load))
			begin(load);
		const int wait = patience(load);
		const int count =
			epoll_wait(load->epoll, events, EVENTS_MAX, wait);
		if (count < 0 && errno != EINTR)
			err(71, "epoll");
		if (count == 0 && wait == SILENCE_MS)
			errx(71, "%zu of %u requests were never answered",
				load->wanted - load->done, load->wanted);
		for (int i = 0; i < count; i++)
			go_on(load, &events[i]);
	}
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void report(struct load *load)
{
	const double seconds = (double)(now() - load->start) / 1e9;
	const size_t last = load->wanted - 1;

	qsort(load->latencies, load->wanted, sizeof load->latencies[0],
		compare);
	printf("%.6f %zu %zu %.1f %.1f %.1f\n", seconds, load->failed,
		load->matched, (double)load->latencies[last / 2] / 1e3,
		(double)load->latencies[last * 99 / 100] / 1e3,
		(double)load->latencies[last] / 1e3);
}

static unsigned number(const char *text)
{
	char *end;
	errno = 0;
	const unsigned long n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n == 0 || n > 1u << 30)
		errx(64, "%s: no number from 1 on", text);
	return (unsigned)n;
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (memory == NULL)
		err(71, "memory");
	return memory;
}

static void read_options(struct load *load, int argc, char *argv[])
{
	const char *method = "GET", *path = "/redirect";
	int option;

	while ((option = getopt(argc, argv, "m:u:ka:w:c:t:")) != -1) {
		if (option == 'm')
			method = optarg;
		else if (option == 'u')
			path = optarg;
		else if (option == 'k')
			load->keep = true;
		else if (option == 'a')
			load->addresses = number(optarg);
		else if (option == 'w')
			load->wanted_size = number(optarg);
		else if (option == 'c')
			load->at_a_time = number(optarg);
		else if (option == 't')
			load->spread = (int64_t)number(optarg) * 1000000;
		else
			exit(64);
	}
	if (argc - optind != 2)
		errx(64, "a port and a number of requests are wanted");
	load->where.address = "127.0.0.1";
	load->where.port = number(argv[optind]);
	load->wanted = number(argv[optind + 1]);
	load->where.head_only = strcmp(method, "HEAD") == 0;
	load->where.request = load->request;
	if (snprintf(load->request, sizeof load->request,
		    "%s %s HTTP/1.1\r\nHost: bench\r\n%s\r\n", method, path,
		    load->keep ? "" : "Connection: close\r\n") >=
		(int)sizeof load->request)
		errx(64, "%s: too long", path);
	if (load->spread > 0)
		load->at_a_time = load->wanted;
}

int main(int argc, char *argv[])
{
	struct load load = {.at_a_time = 1, .wanted_size = -1};
	struct rlimit files;

	read_options(&load, argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.latencies = allocate(load.wanted, sizeof load.latencies[0]);
	load.visits = allocate(load.at_a_time, sizeof load.visits[0]);
	load.idle = allocate(load.at_a_time, sizeof load.idle[0]);
	while (load.idle_count < load.at_a_time) {
		load.visits[load.idle_count].fd = -1;
		load.idle[load.idle_count] = load.idle_count;
		load.idle_count++;
	}
	run(&load);
	report(&load);
	return 0;
}
