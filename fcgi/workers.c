/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "connections.h"
#include "gate.h"
#include "handover.h"
#include "listener.h"
#include "note.h"
#include "respond.h"

#define STACK_SIZE \
	((size_t)256 * 1024) /* bytes: several times the deepest use */
/* Seconds that a peer may take nothing of an answer. */
#define PEER_TIMEOUT 30
#define CONNECTIONS_MAX 65536
#define CONNECTIONS_MIN 4
/* Descriptors: a request's connection, root, target, lock, log, one more. */
#define PER_REQUEST 6
/* More: the standard ones, listener, log, epoll, and some to spare. */
#define RESERVE 16
#define NAP_NS 10000000
/* The rest of WORKERS_LAST_SECONDS is for answers that are under way. */
#define LAST_CALL_MS 1000

/* Names in epoll that are no connection's: their descriptor is above all. */
#define NAME_LISTENER UINT64_MAX
#define NAME_STOP (UINT64_MAX - 1)

struct worker {
	struct workers *all;
	pthread_t thread;
	atomic_bool busy;   /* it has something to do */
	atomic_int serving; /* descriptor of the request under way, or -1 */
	struct handover handover;
	size_t seen; /* bytes that look() has found */
	unsigned char bytes[GATE_SIZE_MAX + 1]; /* one more: too large */
	unsigned char scratch[GATE_SIZE_MAX];
};

enum phase {
	RUNNING,
	LAST_CALL, /* no new connection is taken, and kept ones are let go */
	STOPPING,  /* what has arrived is answered, nothing more is taken */
	CUTTING,   /* all that is not done yet is cut off */
};

struct workers {
	_Atomic enum phase phase;
	const struct listener *listener;
	const struct service *service;
	struct connections *connections;
	int epoll;
	int stop; /* eventfd: ready when no worker shall wait any more */
	unsigned started;
	struct worker workers[];
};

/* Whether the peer has said all that it will ever say. */
static bool is_finished(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
	return poll(&peer, 1, 0) != 0;
}

/* What a connection has sent so far. */
static enum gate look(struct worker *w, int fd)
{
	ssize_t n;
	do
		n = recv(
			fd, w->bytes, sizeof w->bytes, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	w->seen = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return GATE_REFUSE; /* it has closed, with nothing to say */

	enum gate gate = GATE_WAIT;
	if (n > 0)
		gate = gate_check(w->bytes, w->seen, w->scratch);
	else if (errno != EAGAIN)
		gate = GATE_REFUSE;
	return gate == GATE_WAIT && is_finished(fd) ? GATE_REFUSE : gate;
}

/* Answers the request that lies on fd. True: fd is still open. */
static bool serve(struct worker *w, int fd)
{
	atomic_store(&w->serving, fd);
	bool kept = handover_serve(&w->handover, fd, w->all->service);
	atomic_store(&w->serving, -1);
	if (kept && atomic_load(&w->all->phase) != RUNNING)
		handover_let_go(fd);
	return kept;
}

/* Closes a connection that look() did not let pass. */
static void refuse(struct worker *w, int fd)
{
	if (w->seen > 0)
		note_log(w->all->service->log,
			"refused: not one whole, plain FastCGI request of at "
			"most 64 KiB within 10 seconds");
	close(fd);
}

/* Goes on with a connection that this worker has taken. */
static void proceed(struct worker *w, int fd)
{
	struct connections *connections = w->all->connections;
	enum connection_news news;

	do {
		enum gate gate = look(w, fd);
		news = w->seen > 0 ? CONNECTION_BEGUN : CONNECTION_SILENT;
		if (gate == GATE_PASS) {
			/* Before it may be closed, and its number reused. */
			connections_drop(connections, fd);
			if (!serve(w, fd))
				return;
			news = CONNECTION_SERVED;
		}
		if (gate == GATE_REFUSE) {
			connections_drop(connections, fd);
			refuse(w, fd);
			return;
		}
	} while (!connections_put_back(connections, fd, news));
}

/*
 * Time is over for a taken connection. Its request may have become whole
 * while all workers were busy.
 */
static void give_up(struct worker *w, int fd)
{
	if (look(w, fd) == GATE_PASS) {
		proceed(w, fd);
		return;
	}
	connections_drop(w->all->connections, fd);
	refuse(w, fd);
}

/*
 * Closes a connection on which nothing is to be done. Its request may have
 * become whole just now: then it is answered, and may be kept open after all.
 * False: there is none.
 */
static bool make_room(struct worker *w)
{
	int fd = connections_take_spare(w->all->connections);

	if (fd < 0)
		return false;
	if (look(w, fd) == GATE_PASS) {
		proceed(w, fd);
	} else {
		connections_drop(w->all->connections, fd);
		close(fd);
	}
	return true;
}

/* A connection that stays, from here on watched by all workers. */
static void watch(struct worker *w, int fd, bool kept)
{
	struct connections *connections = w->all->connections;

	if (!connections_add(connections, fd, kept)) {
		close(fd);
		return;
	}
	/* Edge-triggered, since looking leaves the bytes where they are. */
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLET,
		.data.u64 = connections_name(connections, fd),
	};
	if (epoll_ctl(w->all->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		connections_drop(connections, fd);
		close(fd);
		return;
	}
	if (!connections_put_back(connections, fd, CONNECTION_SILENT))
		proceed(w, fd);
}

/* After an error of accept4(2), or before: waits, not to be told at once. */
static void recover(struct worker *w, int error)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	if (error == EMFILE && make_room(w))
		return;
	nanosleep(&nap, NULL);
}

static void accept_one(struct worker *w)
{
	static const struct timeval limit = {.tv_sec = PEER_TIMEOUT};

	/* What stays in the backlog, epoll tells again. */
	if (connections_are_full(w->all->connections)) {
		recover(w, EMFILE);
		return;
	}
	int fd = accept4(w->all->listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		recover(w, errno);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);

	/* Most have sent their request by now. */
	switch (look(w, fd)) {
	case GATE_PASS:
		if (serve(w, fd))
			watch(w, fd, true);
		break;
	case GATE_WAIT:
		watch(w, fd, false);
		break;
	case GATE_REFUSE:
		refuse(w, fd);
		break;
	}
}

/* Waits for one thing to do, and does it. */
static void work_once(struct worker *w)
{
	struct connections *connections = w->all->connections;
	struct epoll_event event;
	int fd, wait_ms;

	while ((fd = connections_take_overdue(connections, &wait_ms)) >= 0)
		give_up(w, fd);
	atomic_store(&w->busy, false);
	const int events = epoll_wait(w->all->epoll, &event, 1, wait_ms);
	atomic_store(&w->busy, true);
	if (events != 1 || event.data.u64 == NAME_STOP)
		return;
	if (event.data.u64 == NAME_LISTENER) {
		accept_one(w);
		return;
	}
	fd = connections_take(connections, event.data.u64);
	if (fd >= 0)
		proceed(w, fd);
}

/* What has arrived on open connections nobody else can answer. */
static void drain(struct worker *w)
{
	struct workers *all = w->all;
	int fd;

	while ((fd = connections_take_any(all->connections)) >= 0) {
		connections_drop(all->connections, fd);
		if (atomic_load(&all->phase) == CUTTING ||
			look(w, fd) != GATE_PASS || serve(w, fd))
			close(fd);
	}
}

static void *work(void *argument)
{
	struct worker *w = argument;

	while (atomic_load(&w->all->phase) <= LAST_CALL)
		work_once(w);
	drain(w);
	return NULL;
}

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

/* As many as asked for, but no more than there are descriptors for. */
static unsigned threads_for(unsigned asked, size_t max)
{
	const size_t fixed = RESERVE + CONNECTIONS_MIN;
	const size_t most = max > fixed ? (max - fixed) / PER_REQUEST : 0;

	return asked <= most ? asked : most > 0 ? (unsigned)most : 1;
}

static int add(int epoll, int fd, uint32_t events, uint64_t name)
{
	struct epoll_event event = {.events = events, .data.u64 = name};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int start_thread(struct worker *w)
{
	pthread_attr_t attributes;

	atomic_init(&w->serving, -1);
	atomic_init(&w->busy, true);
	handover_open(&w->handover);
	int error = pthread_attr_init(&attributes);
	if (error == 0) {
		pthread_attr_setstacksize(&attributes, STACK_SIZE);
		error = pthread_create(&w->thread, &attributes, work, w);
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

struct workers *workers_start(unsigned asked, const struct listener *listener,
	const struct service *service)
{
	const size_t max = descriptors_max();
	const unsigned threads = threads_for(asked, max);
	struct workers *all =
		calloc(1, sizeof *all + threads * sizeof all->workers[0]);
	if (all == NULL)
		return NULL;

	all->listener = listener;
	all->service = service;
	all->connections = make_connections(max, threads);
	all->epoll = epoll_create1(EPOLL_CLOEXEC);
	all->stop = eventfd(0, EFD_CLOEXEC);
	if (all->connections == NULL || all->epoll < 0 || all->stop < 0 ||
		add(all->epoll, all->stop, EPOLLIN, NAME_STOP) < 0) {
		/* The program ends, and closes the rest. */
		if (all->connections != NULL)
			connections_free(all->connections);
		free(all);
		return NULL;
	}

	for (; all->started < threads; all->started++) {
		struct worker *w = &all->workers[all->started];
		w->all = all;
		errno = start_thread(w);
		if (errno != 0)
			return abandon(all);
	}
	return all;
}

bool workers_open(struct workers *all)
{
	return add(all->epoll, all->listener->fd, EPOLLIN | EPOLLEXCLUSIVE,
		       NAME_LISTENER) == 0;
}

/* Whether there is nothing more to be done for those who are connected. */
static bool is_done(struct workers *all)
{
	for (unsigned i = 0; i < all->started; i++) {
		if (atomic_load(&all->workers[i].busy))
			return false;
	}
	return connections_count(all->connections) == 0;
}

/*
 * A request that a web server sends on an open connection while it is closed
 * would be lost. So they are asked to close theirs, and answered until then.
 */
static void last_call(struct workers *all)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	epoll_ctl(all->epoll, EPOLL_CTL_DEL, all->listener->fd, NULL);
	atomic_store(&all->phase, LAST_CALL);
	for (int ms = 0; ms < LAST_CALL_MS && !is_done(all);
		ms += NAP_NS / 1000000) {
		connections_each_kept(all->connections, handover_let_go);
		nanosleep(&nap, NULL);
	}
}

/* Waits for a thread, and cuts off the peers that hold it up. */
static void join(struct worker *w, const struct timespec *limit)
{
	struct timespec until = *limit;

	while (pthread_timedjoin_np(w->thread, NULL, &until) != 0) {
		atomic_store(&w->all->phase, CUTTING);
		int fd = atomic_load(&w->serving);
		if (fd >= 0)
			shutdown(fd, SHUT_RDWR);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
	}
}

void workers_stop(struct workers *all)
{
	const uint64_t one = 1;
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += WORKERS_LAST_SECONDS;
	last_call(all);
	atomic_store(&all->phase, STOPPING);
	/* An eventfd that nobody has written to takes this at once. */
	if (write(all->stop, &one, sizeof one) != sizeof one)
		abort();
	for (unsigned i = 0; i < all->started; i++)
		join(&all->workers[i], &limit);
	connections_free(all->connections);
	close(all->epoll);
	close(all->stop);
	free(all);
}
