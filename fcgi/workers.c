/* SPDX-License-Identifier: MIT */
#include "fcgi/workers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "boot/moment.h"
#include "fcgi/connections.h"
#include "fcgi/listener.h"
#include "fcgi/turns.h"
#include "fcgi/worker.h"

#define STACK_SIZE \
	((size_t)256 * 1024) /* bytes: several times the deepest use */
#define CONNECTIONS_MAX 65536
#define THREADS_MIN 64
#define CONNECTIONS_MIN 4
/* Descriptors: a connection, root, default, target, lock, log, one more. */
#define PER_REQUEST 7
/* More: the standard ones, listener, log, epoll, and some to spare. */
#define RESERVE 16
#define NAP_NS 10000000
/* The rest of WORKERS_LAST_SECONDS is for answers that are under way. */
#define LAST_CALL_SECONDS 1

/* Above all descriptor numbers that a connection can have. */
static size_t descriptors_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		limit.rlim_cur > CONNECTIONS_MAX)
		return CONNECTIONS_MAX;
	return limit.rlim_cur;
}

/* Silent connections must not take the descriptors that answers need. */
static struct connections *make_connections(size_t max, unsigned threads)
{
	const size_t reserve = RESERVE + (size_t)threads * PER_REQUEST;

	return connections_new(max, max > reserve + CONNECTIONS_MIN
					    ? max - reserve
					    : CONNECTIONS_MIN);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		limit.rlim_cur >= CONNECTIONS_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < CONNECTIONS_MAX ? limit.rlim_max
	                                                  : CONNECTIONS_MAX;
	/* Where it is refused there are as many as there were. */
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Threads wait for nobody but the disk and the lock, so few are at work at a
 * time; the rest stand by for those that are held up there.
 */
static unsigned best_count(void)
{
	const unsigned best = 2 * turns_processors();

	return best < THREADS_MIN   ? THREADS_MIN
	       : best > WORKERS_MAX ? WORKERS_MAX
	                            : best;
}

unsigned workers_count(unsigned asked)
{
	raise_descriptors();
	const size_t max = descriptors_max();
	const size_t fixed = RESERVE + CONNECTIONS_MIN;
	/* Half of them are for connections. */
	const size_t most = max > fixed ? (max - fixed) / 2 / PER_REQUEST : 0;
	const unsigned wanted = asked > 0 ? asked : best_count();

	return wanted <= most ? wanted : most > 0 ? (unsigned)most : 1;
}

static int add(int epoll, int fd, uint32_t events, uint64_t name)
{
	struct epoll_event event = {.events = events, .data.u64 = name};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int start_thread(struct worker *w)
{
	pthread_attr_t attributes;

	handover_open(&w->handover);
	tree_cache_init(&w->kept);
	int error = pthread_attr_init(&attributes);
	if (error == 0) {
		pthread_attr_setstacksize(&attributes, STACK_SIZE);
		error = pthread_create(&w->thread, &attributes, worker_run, w);
		pthread_attr_destroy(&attributes);
	}
	return error;
}

/* Ends what has been started. NULL, with the errno that was there. */
static struct workers *abandon(struct workers *all)
{
	int error = errno;

	workers_stop(all);
	errno = error;
	return NULL;
}

struct workers *workers_start(unsigned threads, const struct listener *listener,
	const struct service *service)
{
	const size_t max = descriptors_max();
	struct workers *all =
		calloc(1, sizeof *all + threads * sizeof all->workers[0]);
	if (all == NULL)
		return NULL;

	all->listener = listener;
	all->service = service;
	all->connections = make_connections(max, threads);
	all->turns = turns_new(threads);
	all->epoll = epoll_create1(EPOLL_CLOEXEC);
	all->stop = eventfd(0, EFD_CLOEXEC);
	if (all->connections == NULL || all->turns == NULL || all->epoll < 0 ||
		all->stop < 0 ||
		add(all->epoll, all->stop, EPOLLIN, NAME_STOP) < 0) {
		/* The program ends, and closes the rest. */
		if (all->connections != NULL)
			connections_free(all->connections);
		if (all->turns != NULL)
			turns_free(all->turns);
		free(all);
		return NULL;
	}

	for (; all->started < threads; all->started++) {
		struct worker *w = &all->workers[all->started];
		w->all = all;
		w->number = all->started;
		errno = start_thread(w);
		if (errno != 0)
			return abandon(all);
	}
	return all;
}

bool workers_open(const struct workers *all)
{
	return add(all->epoll, all->listener->fd, EPOLLIN | EPOLLEXCLUSIVE,
		       NAME_LISTENER) == 0;
}

static bool are_all_sent(struct workers *all)
{
	return atomic_load(&all->sending) == 0;
}

/* Whether there is nothing more to be done for those who are connected. */
static bool is_done(struct workers *all)
{
	return are_all_sent(all) && connections_are_none(all->connections);
}

/* Whether that holds, and no worker is about to change it. */
static bool holds(struct workers *all, bool (*what)(struct workers *))
{
	unsigned before, after;

	return turns_are_idle(all->turns, &before) && what(all) &&
	       turns_are_idle(all->turns, &after) && before == after;
}

/*
 * A request that a web server sends on an open connection while it is closed
 * would be lost. So they are asked to close theirs, and answered until then;
 * and those who are taking their answer may have the rest.
 */
static void last_call(struct workers *all)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	const struct timespec now = moment_now();
	const struct timespec for_kept =
		moment_after(&now, LAST_CALL_SECONDS * 1000L);
	const struct timespec for_all =
		moment_after(&now, WORKERS_LAST_SECONDS * 1000L);

	epoll_ctl(all->epoll, EPOLL_CTL_DEL, all->listener->fd, NULL);
	atomic_store(&all->phase, LAST_CALL);
	while (!holds(all, is_done) && !moment_has_come(&for_all) &&
		(!moment_has_come(&for_kept) || !holds(all, are_all_sent))) {
		connections_each_kept(all->connections, handover_let_go);
		nanosleep(&nap, NULL);
	}
}

void workers_stop(struct workers *all)
{
	const uint64_t one = 1;

	last_call(all);
	atomic_store(&all->phase, STOPPING);
	/* An eventfd that nobody has written to takes this at once. */
	if (write(all->stop, &one, sizeof one) != sizeof one)
		abort();
	turns_end(all->turns);
	/* None of them waits for a peer. */
	for (unsigned i = 0; i < all->started; i++)
		pthread_join(all->workers[i].thread, NULL);
	connections_free(all->connections);
	turns_free(all->turns);
	close(all->epoll);
	close(all->stop);
	free(all);
}
