/* SPDX-License-Identifier: MIT */
/*
 * The responder's threads, and their work on connections.
 *
 * All workers wait in one epoll, for the listening socket and for the
 * connections in the table (connections.h). A worker that gets an event takes
 * the connection; no other thread touches it until the worker puts it back or
 * drops it. The table notes events that come meanwhile, and the worker looks
 * again before it lets go. So a connection has one user at a time, and no event
 * is lost. Only at the end, the main thread asks connections that nobody has
 * taken to close, under the table's lock and without waiting.
 *
 * No worker waits for a peer. A request is read when it is whole in the socket
 * (gate.h). The rest of an answer is sent when epoll reports room. If the peer
 * hangs up, or takes nothing for CONNECTION_SENDING_PATIENCE, the answer is
 * broken off, and respond_finish() arms its once link again. Workers wait for
 * the disk and for the lock on once/, so there are more workers than
 * processors; turns.h says which of them work.
 *
 * The end has two steps. LAST_CALL: accept nothing, ask web servers to close
 * idle connections, let answers end. STOPPING: each worker ends after its
 * current work, then answers what has arrived as far as possible at once. A
 * worker that waits for a file system that does not answer can't be ended, so
 * the main thread leaves it behind.
 */
#include "fcgi/pool.h"

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
#include <time.h>
#include <unistd.h>

#include "boot/moment.h"
#include "boot/tree_cache.h"
#include "cgi/logline.h"
#include "cgi/respond.h"
#include "fcgi/connections.h"
#include "fcgi/delivery.h"
#include "fcgi/gate.h"
#include "fcgi/libfcgi.h"
#include "fcgi/listener.h"
#include "fcgi/turns.h"

/*
 * Bytes of an answer that wait in a socket; the kernel doubles this number.
 * More would not help a slow peer.
 */
#define SOCKET_BUFFER 16384
#define NAP_NS 10000000 /* back off: epoll must not spin */
/* A worker without a request for this long closes its cached files. */
#define WORKER_IDLE_MS 10000
#define STACK_SIZE \
	((size_t)256 * 1024) /* bytes: several times the deepest use */
#define DESCRIPTORS_MAX 65536
#define THREADS_MIN 64
#define CONNECTIONS_MIN 4
/* Descriptors: a connection, root, default, target, lock, log, one more. */
#define PER_REQUEST 7
/* Further descriptors: standard, listener, log, epoll, and some to spare. */
#define RESERVE 16
/* The rest of POOL_LAST_SECONDS is for answers under way. */
#define LAST_CALL_SECONDS 1

/* epoll tokens of no connection: their descriptor would be too large. */
#define TOKEN_LISTENER UINT64_MAX
#define TOKEN_STOP (UINT64_MAX - 1)

struct worker {
	struct pool *pool;
	pthread_t thread;
	unsigned number; /* from 0 */
	struct libfcgi libfcgi;
	struct tree_cache cache;
	size_t seen; /* bytes that judge_request() found */
	unsigned char bytes[GATE_SIZE_MAX + 1]; /* one more: too large */
	unsigned char scratch[GATE_SIZE_MAX];
};

enum phase {
	RUNNING,
	LAST_CALL, /* accept nothing, let go of kept connections */
	STOPPING,  /* answer what has arrived, then end */
};

struct pool {
	_Atomic enum phase phase;
	const struct listener *listener;
	const struct service *service;
	struct connections *connections;
	struct turns *turns;
	int epoll;
	int stop; /* eventfd: readable when workers must not wait */
	atomic_uint unsent_count; /* answers that wait for their peer */
	unsigned started;
	struct worker workers[];
};

/* Whether the peer has shut down its side. */
static bool is_finished(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
	return poll(&peer, 1, 0) > 0;
}

/* Judges what a connection has sent, and leaves it in the socket. */
static enum gate peek_request(struct worker *w, int fd)
{
	ssize_t n;
	do
		n = recv(
			fd, w->bytes, sizeof w->bytes, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	w->seen = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return GATE_REFUSE; /* closed, nothing sent */

	if (n > 0)
		return gate_check(w->bytes, w->seen, w->scratch);
	return errno == EAGAIN ? GATE_WAIT : GATE_REFUSE;
}

/* Whether a connection has a whole request, or may still get one. */
static enum gate judge_request(struct worker *w, int fd)
{
	enum gate gate = peek_request(w, fd);

	if (gate == GATE_WAIT && is_finished(fd)) {
		/* The rest may have come between the peek and the end. */
		gate = peek_request(w, fd);
		if (gate == GATE_WAIT)
			gate = GATE_REFUSE;
	}
	return gate;
}

/* later gets the answer if there is more to send. */
static enum outcome serve_request(
	struct worker *w, int fd, struct unsent **later)
{
	enum outcome outcome = libfcgi_serve(
		&w->libfcgi, fd, w->pool->service, &w->cache, later);
	if (outcome == OUTCOME_IDLE && atomic_load(&w->pool->phase) != RUNNING)
		delivery_ask_to_close(fd); /* rare: the end has come */
	if (outcome == OUTCOME_SENDING)
		atomic_fetch_add(&w->pool->unsent_count, 1);
	return outcome;
}

static enum outcome continue_answer(
	struct worker *w, int fd, struct unsent *unsent)
{
	enum outcome outcome = unsent_continue(unsent, fd);
	if (outcome == OUTCOME_CLOSED || outcome == OUTCOME_IDLE)
		atomic_fetch_sub(&w->pool->unsent_count, 1);
	return outcome;
}

static void break_off_answer(struct worker *w, int fd, struct unsent *unsent)
{
	unsent_break_off(unsent, fd);
	atomic_fetch_sub(&w->pool->unsent_count, 1);
}

static void refuse_connection(struct worker *w, int fd)
{
	if (w->seen > 0)
		logline_write_event(w->pool->service->log,
			"refused: not one whole, plain FastCGI request of at most 64 KiB within 10 seconds");
	close(fd);
}

/* Has epoll report room or incoming bytes, also if already there. */
static bool watch_connection(
	struct worker *w, int operation, int fd, bool sends)
{
	/* Edge-triggered: the peek leaves the bytes in the socket. */
	struct epoll_event event = {
		.events = EPOLLET | (sends ? EPOLLOUT : EPOLLIN),
		.data.u64 = connections_token(w->pool->connections, fd),
	};
	return epoll_ctl(w->pool->epoll, operation, fd, &event) == 0;
}

/* Continues an answer after other waiting work. False: fd has been closed. */
static bool continue_later(struct worker *w, int fd, struct unsent *unsent)
{
	connections_set_unsent(w->pool->connections, fd, unsent);
	if (watch_connection(w, EPOLL_CTL_MOD, fd, true))
		return true;
	break_off_answer(w, fd, unsent);
	return false;
}

/* Continues a taken connection's answer. False: fd has been closed. */
static bool continue_connection(
	struct worker *w, int fd, enum connection_state *state)
{
	static const struct timespec nap = {.tv_nsec = NAP_NS};
	struct connections *connections = w->pool->connections;
	struct unsent *unsent = connections_unsent(connections, fd);

	/* Drop it first: once closed, its number may be reused. */
	connections_drop(connections, fd);
	*state = CONNECTION_SENDING;
	switch (continue_answer(w, fd, unsent)) {
	case OUTCOME_CLOSED:
		return false;
	case OUTCOME_IDLE:
		connections_set_unsent(connections, fd, NULL);
		*state = CONNECTION_IDLE;
		if (watch_connection(w, EPOLL_CTL_MOD, fd, false))
			return true;
		close(fd);
		return false;
	case OUTCOME_HELD:
		/* rare: a file system hangs. Back off: epoll must not spin. */
		nanosleep(&nap, NULL);
		return continue_later(w, fd, unsent);
	default:
		return continue_later(w, fd, unsent);
	}
}

/* Answers a request on a taken connection. False: fd has been closed. */
static bool answer_if_whole(
	struct worker *w, int fd, enum connection_state *state)
{
	struct connections *connections = w->pool->connections;
	struct unsent *later;
	enum outcome outcome;

	switch (judge_request(w, fd)) {
	case GATE_PASS:
		/* Drop it first: once closed, its number may be reused. */
		connections_drop(connections, fd);
		outcome = serve_request(w, fd, &later);
		*state = outcome == OUTCOME_SENDING ? CONNECTION_SENDING
		                                    : CONNECTION_IDLE;
		return outcome == OUTCOME_IDLE ||
		       (outcome == OUTCOME_SENDING &&
			       continue_later(w, fd, later));
	case GATE_REFUSE:
		connections_drop(connections, fd);
		refuse_connection(w, fd);
		return false;
	default:
		*state = w->seen > 0 ? CONNECTION_BEGUN : CONNECTION_SILENT;
		return true;
	}
}

static void handle_connection(struct worker *w, int fd)
{
	struct connections *connections = w->pool->connections;
	enum connection_state state;

	do {
		const bool sends = connections_unsent(connections, fd) != NULL;
		if (!(sends ? continue_connection(w, fd, &state)
			    : answer_if_whole(w, fd, &state)))
			return;
	} while (!connections_put_back(connections, fd, state));
}

/*
 * Ends a taken connection whose time is over. But its request may have become
 * whole while all workers were busy.
 */
static void end_overdue(struct worker *w, int fd)
{
	struct connections *connections = w->pool->connections;
	struct unsent *unsent = connections_unsent(connections, fd);

	if (unsent == NULL && judge_request(w, fd) == GATE_PASS) {
		/* rare: it has become whole just now */
		handle_connection(w, fd);
		return;
	}
	connections_drop(connections, fd);
	if (unsent != NULL)
		/* no test: a peer that takes nothing for five minutes */
		break_off_answer(w, fd, unsent);
	else
		refuse_connection(w, fd);
}

/*
 * Closes a connection that needs no work. If its request has just become whole,
 * answers it; the connection may then stay open. False: there is none.
 */
static bool make_room(struct worker *w)
{
	int fd = connections_take_spare(w->pool->connections);

	if (fd < 0)
		return false;
	if (judge_request(w, fd) == GATE_PASS) {
		handle_connection(w, fd); /* rare: it has become whole */
	} else {
		connections_drop(w->pool->connections, fd);
		close(fd);
	}
	return true;
}

/* Adds a connection that all workers watch from here on. */
static void add_connection(struct worker *w, int fd,
	enum connection_state state, struct unsent *unsent)
{
	struct connections *connections = w->pool->connections;
	bool stays = connections_add(connections, fd, state);

	if (stays) {
		connections_set_unsent(connections, fd, unsent);
		stays = watch_connection(w, EPOLL_CTL_ADD, fd, unsent != NULL);
		if (!stays)
			connections_drop(connections, fd);
	}
	if (!stays && unsent != NULL)
		/* no test: epoll_ctl fails */
		break_off_answer(w, fd, unsent);
	else if (!stays)
		close(fd);
	else if (!connections_put_back(connections, fd, state))
		handle_connection(w, fd); /* rare: the rest has come */
}

/* Backs off after an error of accept4(2): epoll must not spin. */
static void recover_from_accept(struct worker *w, int error)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	if (error == EMFILE && make_room(w))
		return;
	nanosleep(&nap, NULL);
}

static void accept_connection(struct worker *w)
{
	static const int buffer = SOCKET_BUFFER;
	struct unsent *later;
	enum outcome outcome;

	/* epoll reports again what stays in the backlog. */
	if (connections_are_full(w->pool->connections)) {
		recover_from_accept(w, EMFILE);
		return;
	}
	int fd = accept4(w->pool->listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		recover_from_accept(w, errno);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);

	/* Most peers have sent their request by now. */
	switch (judge_request(w, fd)) {
	case GATE_PASS:
		outcome = serve_request(w, fd, &later);
		if (outcome == OUTCOME_IDLE)
			add_connection(w, fd, CONNECTION_IDLE, NULL);
		else if (outcome == OUTCOME_SENDING)
			add_connection(w, fd, CONNECTION_SENDING, later);
		break;
	case GATE_WAIT:
		add_connection(w, fd, CONNECTION_SILENT, NULL);
		break;
	case GATE_REFUSE:
		refuse_connection(w, fd);
		break;
	}
}

/* Waits for wait_ms at most (-1: no limit). False: no event. */
static bool wait_for_event(
	struct worker *w, struct epoll_event *event, int wait_ms)
{
	/* A worker without a turn may have put back one that is overdue. */
	if (wait_ms < 0 || wait_ms > WORKER_IDLE_MS)
		wait_ms = WORKER_IDLE_MS;
	turns_rest(w->pool->turns, w->number);
	const int events = epoll_wait(w->pool->epoll, event, 1, wait_ms);
	turns_resume(w->pool->turns, w->number);
	if (events == 0)
		tree_cache_release(&w->cache);
	return events == 1;
}

static void handle_event(struct worker *w)
{
	struct connections *connections = w->pool->connections;
	struct epoll_event event;
	int fd, wait_ms;

	while ((fd = connections_take_overdue(connections, &wait_ms)) >= 0)
		end_overdue(w, fd);
	if (!wait_for_event(w, &event, wait_ms) || event.data.u64 == TOKEN_STOP)
		return;
	if (event.data.u64 == TOKEN_LISTENER) {
		/* The event may be older than the phase. */
		if (atomic_load(&w->pool->phase) == RUNNING)
			accept_connection(w);
		return;
	}
	fd = connections_take(connections, event.data.u64);
	if (fd >= 0)
		handle_connection(w, fd);
}

/* Answers a request that has arrived, as far as the peer takes it now. */
static void finish_connection(struct worker *w, int fd, struct unsent *unsent)
{
	if (unsent == NULL && judge_request(w, fd) == GATE_PASS) {
		/* rare: it came after the last call */
		if (serve_request(w, fd, &unsent) == OUTCOME_CLOSED)
			return;
	}
	if (unsent != NULL)
		break_off_answer(w, fd, unsent);
	else
		close(fd);
}

/* No other thread answers what has arrived on open connections. */
static void finish_connections(struct worker *w)
{
	struct connections *connections = w->pool->connections;
	int fd;

	while ((fd = connections_take_any(connections)) >= 0) {
		struct unsent *unsent = connections_unsent(connections, fd);
		connections_drop(connections, fd);
		finish_connection(w, fd, unsent);
	}
}

/* A thread's function: works until STOPPING, then answers connected peers. */
static void *run_worker(void *worker)
{
	struct worker *w = worker;

	for (;;) {
		if (!turns_has(w->pool->turns, w->number)) {
			/* The next turn may be far off: keep nothing open. */
			tree_cache_release(&w->cache);
			turns_take(w->pool->turns, w->number);
		}
		if (atomic_load(&w->pool->phase) > LAST_CALL)
			break;
		handle_event(w);
	}
	finish_connections(w);
	tree_cache_release(&w->cache);
	return NULL;
}

/* Returns a number above all descriptors that a connection can have. */
static size_t descriptors_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		limit.rlim_cur > DESCRIPTORS_MAX)
		return DESCRIPTORS_MAX; /* rare: the limit is above it */
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
		limit.rlim_cur >= DESCRIPTORS_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max
	                                                  : DESCRIPTORS_MAX;
	/* If this fails, the limit stays as it is. */
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Threads wait only for the disk and the lock, so few work at a time; the
 * others replace those that are held up.
 */
static unsigned best_thread_count(void)
{
	const unsigned best = 2 * turns_processors();

	return best < THREADS_MIN        ? THREADS_MIN
	       : best > POOL_THREADS_MAX ? POOL_THREADS_MAX
	                                 : best;
}

unsigned pool_count(unsigned asked)
{
	raise_descriptors();
	const size_t max = descriptors_max();
	const size_t fixed = RESERVE + CONNECTIONS_MIN;
	/* Half of the descriptors are for connections. */
	const size_t most = max > fixed ? (max - fixed) / 2 / PER_REQUEST : 0;
	const unsigned wanted = asked > 0 ? asked : best_thread_count();

	return wanted <= most ? wanted : most > 0 ? (unsigned)most : 1;
}

static int add_to_epoll(int epoll, int fd, uint32_t events, uint64_t name)
{
	struct epoll_event event = {.events = events, .data.u64 = name};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int start_worker(struct worker *w)
{
	pthread_attr_t attributes;

	libfcgi_open(&w->libfcgi);
	tree_cache_init(&w->cache);
	int error = pthread_attr_init(&attributes);
	if (error == 0) {
		pthread_attr_setstacksize(&attributes, STACK_SIZE);
		error = pthread_create(&w->thread, &attributes, run_worker, w);
		pthread_attr_destroy(&attributes);
	}
	return error;
}

/* Stops what was started. Returns NULL and keeps errno. */
static struct pool *abandon_pool(struct pool *pool)
{
	int error = errno;

	pool_stop(pool);
	errno = error;
	return NULL;
}

struct pool *pool_start(unsigned threads, const struct listener *listener,
	const struct service *service)
{
	const size_t max = descriptors_max();
	struct pool *pool =
		calloc(1, sizeof *pool + threads * sizeof pool->workers[0]);
	if (pool == NULL)
		return NULL; /* no test: no memory */

	pool->listener = listener;
	pool->service = service;
	pool->connections = make_connections(max, threads);
	pool->turns = turns_new(threads);
	pool->epoll = epoll_create1(EPOLL_CLOEXEC);
	pool->stop = eventfd(0, EFD_CLOEXEC);
	if (pool->connections == NULL || pool->turns == NULL ||
		pool->epoll < 0 || pool->stop < 0 ||
		add_to_epoll(pool->epoll, pool->stop, EPOLLIN, TOKEN_STOP) <
			0) {
		/* The program ends, which closes the rest. */
		if (pool->connections != NULL)
			connections_free(pool->connections);
		if (pool->turns != NULL)
			turns_free(pool->turns);
		free(pool);
		return NULL;
	}

	for (; pool->started < threads; pool->started++) {
		struct worker *w = &pool->workers[pool->started];
		w->pool = pool;
		w->number = pool->started;
		errno = start_worker(w);
		if (errno != 0)
			return abandon_pool(pool);
	}
	return pool;
}

bool pool_begin_accepting(const struct pool *pool)
{
	return add_to_epoll(pool->epoll, pool->listener->fd,
		       EPOLLIN | EPOLLEXCLUSIVE, TOKEN_LISTENER) == 0;
}

static bool are_all_sent(struct pool *pool)
{
	return atomic_load(&pool->unsent_count) == 0;
}

static bool is_done(struct pool *pool)
{
	return are_all_sent(pool) && connections_are_none(pool->connections);
}

/* Whether what() holds, and no worker worked during the call. */
static bool holds_while_idle(struct pool *pool, bool (*what)(struct pool *))
{
	unsigned before, after;

	return turns_are_idle(pool->turns, &before) && what(pool) &&
	       turns_are_idle(pool->turns, &after) && before == after;
}

/*
 * Closing a connection would lose a request that a web server is just sending.
 * So web servers are asked to close theirs, and answered until then. Peers that
 * take an answer may have the rest.
 */
static void make_last_call(struct pool *pool)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	const struct timespec now = moment_now();
	const struct timespec for_idle =
		moment_plus_ms(&now, LAST_CALL_SECONDS * 1000L);
	const struct timespec for_all =
		moment_plus_ms(&now, POOL_LAST_SECONDS * 1000L);

	epoll_ctl(pool->epoll, EPOLL_CTL_DEL, pool->listener->fd, NULL);
	atomic_store(&pool->phase, LAST_CALL);
	while (!holds_while_idle(pool, is_done) && !moment_has_come(&for_all) &&
		(!moment_has_come(&for_idle) ||
			!holds_while_idle(pool, are_all_sent))) {
		connections_each_idle(pool->connections, delivery_ask_to_close);
		nanosleep(&nap, NULL);
	}
}

/* Returns how many workers have not ended. */
static unsigned join_workers(struct pool *pool)
{
	struct timespec limit;
	unsigned left = 0;

	/* pthread_timedjoin_np(3) knows no other clock. */
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += POOL_JOIN_SECONDS;
	for (unsigned i = 0; i < pool->started; i++)
		left += pthread_timedjoin_np(
				pool->workers[i].thread, NULL, &limit) != 0;
	return left;
}

unsigned pool_stop(struct pool *pool)
{
	const uint64_t one = 1;

	make_last_call(pool);
	atomic_store(&pool->phase, STOPPING);
	/* The eventfd is empty, so write(2) never waits. */
	if (write(pool->stop, &one, sizeof one) != sizeof one)
		abort(); /* no test: write fails */
	turns_end(pool->turns);
	/* No worker waits for a peer, so each ends soon. */
	const unsigned left = join_workers(pool);
	if (left > 0)
		return left; /* no test: as leave_threads() */
	connections_free(pool->connections);
	turns_free(pool->turns);
	close(pool->epoll);
	close(pool->stop);
	free(pool);
	return 0;
}
