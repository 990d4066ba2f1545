/* SPDX-License-Identifier: MIT */
#include "fcgi/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cgi/respond.h"
#include "fcgi/connections.h"
#include "fcgi/listener.h"
#include "fcgi/note.h"
#include "fcgi/turns.h"

/*
 * Bytes of an answer that may wait in a connection's socket; the kernel takes
 * twice as many for itself. More would be of no use to a slow peer.
 */
#define SOCKET_BUFFER 16384
#define NAP_NS 10000000
/* Without a request for so long, nothing of the tree is kept open. */
#define KEPT_MS 10000

/* Whether the peer has said all that it will ever say. */
static bool is_finished(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
	return poll(&peer, 1, 0) > 0;
}

/* What a connection has sent so far; the bytes stay where they are. */
static enum gate peek(struct worker *w, int fd)
{
	ssize_t n;
	do
		n = recv(
			fd, w->bytes, sizeof w->bytes, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	w->seen = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return GATE_REFUSE; /* it has closed, with nothing to say */

	if (n > 0)
		return gate_check(w->bytes, w->seen, w->scratch);
	return errno == EAGAIN ? GATE_WAIT : GATE_REFUSE;
}

/* Whether there is a request on a connection, or can still be one. */
static enum gate look(struct worker *w, int fd)
{
	enum gate gate = peek(w, fd);

	if (gate == GATE_WAIT && is_finished(fd)) {
		/* The rest may have come in before that, but after the peek. */
		gate = peek(w, fd);
		if (gate == GATE_WAIT)
			gate = GATE_REFUSE;
	}
	return gate;
}

/*
 * Answers the request that lies on fd. later is the answer when that is still
 * to be sent.
 */
static enum served serve(struct worker *w, int fd, struct sending **later)
{
	enum served served = handover_serve(
		&w->handover, fd, w->all->service, &w->kept, later);
	if (served == SERVED_KEPT && atomic_load(&w->all->phase) != RUNNING)
		handover_let_go(fd);
	if (served == SERVED_SENDING)
		atomic_fetch_add(&w->all->sending, 1);
	return served;
}

static enum served go_on(struct worker *w, int fd, struct sending *sending)
{
	enum served served = handover_go_on(sending, fd);
	if (served == SERVED_CLOSED || served == SERVED_KEPT)
		atomic_fetch_sub(&w->all->sending, 1);
	return served;
}

static void break_off(struct worker *w, int fd, struct sending *sending)
{
	handover_break_off(sending, fd);
	atomic_fetch_sub(&w->all->sending, 1);
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

/*
 * Which events epoll tells of: that the peer takes more of an answer, or that
 * it says more. When that is so already, it tells at once.
 */
static bool set_events(struct worker *w, int operation, int fd, bool sends)
{
	/* Edge-triggered, since looking leaves the bytes where they are. */
	struct epoll_event event = {
		.events = EPOLLET | (sends ? EPOLLOUT : EPOLLIN),
		.data.u64 = connections_name(w->all->connections, fd),
	};
	return epoll_ctl(w->all->epoll, operation, fd, &event) == 0;
}

/*
 * A taken connection has more of an answer to be sent, maybe at once, but after
 * what others wait for. False: it has been closed.
 */
static bool send_later(struct worker *w, int fd, struct sending *sending)
{
	connections_set_sending(w->all->connections, fd, sending);
	if (set_events(w, EPOLL_CTL_MOD, fd, true))
		return true;
	break_off(w, fd, sending);
	return false;
}

/* Goes on with a taken connection's answer. False: it has been closed. */
static bool send_more(struct worker *w, int fd, enum connection_news *news)
{
	static const struct timespec nap = {.tv_nsec = NAP_NS};
	struct connections *connections = w->all->connections;
	struct sending *sending = connections_sending(connections, fd);

	/* Before it may be closed, and its number reused. */
	connections_drop(connections, fd);
	*news = CONNECTION_SENDING;
	switch (go_on(w, fd, sending)) {
	case SERVED_CLOSED:
		return false;
	case SERVED_KEPT:
		connections_set_sending(connections, fd, NULL);
		*news = CONNECTION_SERVED;
		if (set_events(w, EPOLL_CTL_MOD, fd, false))
			return true;
		close(fd);
		return false;
	case SERVED_HELD:
		/* It is told of again at once, so not too often. */
		nanosleep(&nap, NULL);
		return send_later(w, fd, sending);
	default:
		return send_later(w, fd, sending);
	}
}

/* Looks for a request on a taken connection. False: it has been closed. */
static bool take_request(struct worker *w, int fd, enum connection_news *news)
{
	struct connections *connections = w->all->connections;
	struct sending *later;
	enum served served;

	switch (look(w, fd)) {
	case GATE_PASS:
		/* Before it may be closed, and its number reused. */
		connections_drop(connections, fd);
		served = serve(w, fd, &later);
		*news = served == SERVED_SENDING ? CONNECTION_SENDING
		                                 : CONNECTION_SERVED;
		return served == SERVED_KEPT ||
		       (served == SERVED_SENDING && send_later(w, fd, later));
	case GATE_REFUSE:
		connections_drop(connections, fd);
		refuse(w, fd);
		return false;
	default:
		*news = w->seen > 0 ? CONNECTION_BEGUN : CONNECTION_SILENT;
		return true;
	}
}

/* Goes on with a connection that this worker has taken. */
static void proceed(struct worker *w, int fd)
{
	struct connections *connections = w->all->connections;
	enum connection_news news;

	do {
		const bool sends = connections_sending(connections, fd) != NULL;
		if (!(sends ? send_more(w, fd, &news)
			    : take_request(w, fd, &news)))
			return;
	} while (!connections_put_back(connections, fd, news));
}

/*
 * Time is over for a taken connection: its peer takes nothing, or says nothing.
 * But its request may have become whole while all workers were busy.
 */
static void give_up(struct worker *w, int fd)
{
	struct connections *connections = w->all->connections;
	struct sending *sending = connections_sending(connections, fd);

	if (sending == NULL && look(w, fd) == GATE_PASS) {
		proceed(w, fd);
		return;
	}
	connections_drop(connections, fd);
	if (sending != NULL)
		break_off(w, fd, sending);
	else
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
static void watch(struct worker *w, int fd, enum connection_news news,
	struct sending *sending)
{
	struct connections *connections = w->all->connections;
	bool stays = connections_add(connections, fd, news);

	if (stays) {
		connections_set_sending(connections, fd, sending);
		stays = set_events(w, EPOLL_CTL_ADD, fd, sending != NULL);
		if (!stays)
			connections_drop(connections, fd);
	}
	if (!stays && sending != NULL)
		break_off(w, fd, sending);
	else if (!stays)
		close(fd);
	else if (!connections_put_back(connections, fd, news))
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
	static const int buffer = SOCKET_BUFFER;
	struct sending *later;
	enum served served;

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
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);

	/* Most have sent their request by now. */
	switch (look(w, fd)) {
	case GATE_PASS:
		served = serve(w, fd, &later);
		if (served == SERVED_KEPT)
			watch(w, fd, CONNECTION_SERVED, NULL);
		else if (served == SERVED_SENDING)
			watch(w, fd, CONNECTION_SENDING, later);
		break;
	case GATE_WAIT:
		watch(w, fd, CONNECTION_SILENT, NULL);
		break;
	case GATE_REFUSE:
		refuse(w, fd);
		break;
	}
}

/* Waits for an event, for wait_ms at most (-1: no limit). False: none came. */
static bool wait_for(struct worker *w, struct epoll_event *event, int wait_ms)
{
	/* Who has lost its turn may have put back one that must not wait. */
	if (wait_ms < 0 || wait_ms > KEPT_MS)
		wait_ms = KEPT_MS;
	turns_rest(w->all->turns, w->number);
	const int events = epoll_wait(w->all->epoll, event, 1, wait_ms);
	turns_resume(w->all->turns, w->number);
	if (events == 0)
		tree_cache_release(&w->kept);
	return events == 1;
}

/* Waits for one thing to do, and does it. */
static void work_once(struct worker *w)
{
	struct connections *connections = w->all->connections;
	struct epoll_event event;
	int fd, wait_ms;

	while ((fd = connections_take_overdue(connections, &wait_ms)) >= 0)
		give_up(w, fd);
	if (!wait_for(w, &event, wait_ms) || event.data.u64 == NAME_STOP)
		return;
	if (event.data.u64 == NAME_LISTENER) {
		/* The event may be older than the end. */
		if (atomic_load(&w->all->phase) == RUNNING)
			accept_one(w);
		return;
	}
	fd = connections_take(connections, event.data.u64);
	if (fd >= 0)
		proceed(w, fd);
}

/* Answers what has arrived on a connection, as far as that goes at once. */
static void finish(struct worker *w, int fd, struct sending *sending)
{
	if (sending == NULL && look(w, fd) == GATE_PASS &&
		serve(w, fd, &sending) == SERVED_CLOSED)
		return;
	if (sending != NULL)
		break_off(w, fd, sending);
	else
		close(fd);
}

/* What has arrived on open connections nobody else can answer. */
static void drain(struct worker *w)
{
	struct connections *connections = w->all->connections;
	int fd;

	while ((fd = connections_take_any(connections)) >= 0) {
		struct sending *sending = connections_sending(connections, fd);
		connections_drop(connections, fd);
		finish(w, fd, sending);
	}
}

void *worker_run(void *worker)
{
	struct worker *w = worker;

	for (;;) {
		if (!turns_has(w->all->turns, w->number)) {
			/* Others work, maybe for a long time. */
			tree_cache_release(&w->kept);
			turns_take(w->all->turns, w->number);
		}
		if (atomic_load(&w->all->phase) > LAST_CALL)
			break;
		work_once(w);
	}
	drain(w);
	tree_cache_release(&w->kept);
	return NULL;
}
