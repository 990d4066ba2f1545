/* SPDX-License-Identifier: MIT */
/*
 * Has libfcgi read one request, which lies whole in its socket, and answers it.
 * libfcgi never accepts, waits or writes here. An answer that the peer does not
 * take at once goes on as a struct sending, without a thread:
 * sending_continue() when there is room, or sending_break_off(). Both settle
 * the request when it is over, so that a once link becomes served, or is armed
 * again.
 */
#include "fcgi/libfcgi.h"

#include <fastcgi.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgi/respond.h"
#include "cgi/sink.h"
#include "fcgi/delivery.h"

struct sending {
	struct delivery delivery;
	struct unsettled *unsettled;
	bool keep;             /* the connection, for another request */
	unsigned char first[]; /* the first record, if it is not out yet */
};

/* A sink that is the request's connection. */
struct stream {
	struct sink sink;
	int fd;
	unsigned id; /* of the request */
	bool is_out; /* a whole answer, with its end */
	struct sending *later;
};

static struct stream *stream_of(struct sink *sink)
{
	return (struct stream *)sink; /* its first member */
}

/*
 * A web server has no reason to shut down its side of a connection before it
 * has the answer: lighttpd does so when its client has hung up. What it sends
 * behind its request can only be ABORT_REQUEST, or what it must not send.
 */
static bool stream_is_gone(struct sink *sink)
{
	struct pollfd peer = {
		.fd = stream_of(sink)->fd,
		.events = POLLRDHUP | POLLIN,
	};
	return poll(&peer, 1, 0) == 1;
}

/* What is to be sent later. NULL: there is no memory. */
static struct sending *make_sending(const struct delivery *delivery)
{
	struct sending *sending =
		malloc(sizeof *sending + delivery->first_size);
	if (sending == NULL)
		return NULL; /* no test: no memory */

	memcpy(sending->first, delivery->first, delivery->first_size);
	sending->delivery = *delivery;
	sending->delivery.first = sending->first;
	return sending;
}

static void free_sending(struct sending *sending)
{
	if (sending->delivery.file >= 0)
		close(sending->delivery.file);
	free(sending);
}

/* The request is over, with what is out of its answer. */
static void settle_sending(struct sending *sending)
{
	respond_settle(
		sending->unsettled, delivery_missing(&sending->delivery));
	free_sending(sending);
}

static long long stream_send(struct sink *sink, const struct answer *answer)
{
	struct stream *stream = stream_of(sink);
	unsigned char first[DELIVERY_FIRST_MAX];
	struct delivery delivery;

	delivery_begin(stream->id, answer, first, &delivery);
	const enum delivery_state state = delivery_go_on(&delivery, stream->fd);
	stream->is_out = state == DELIVERY_ENDED;
	if (state == DELIVERY_WAITS) {
		stream->later = make_sending(&delivery);
		stream->sink.missing = delivery_missing(&delivery);
		if (stream->later != NULL)
			return SINK_LATER;
	}
	return delivery_missing(&delivery);
}

int libfcgi_init(void)
{
	if (FCGX_Init() != 0)
		return -1; /* no test: it always starts */

	/*
	 * FCGX_Init has put handlers there which end a loop of libfcgi's own
	 * that is not used here.
	 */
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

void libfcgi_open(struct libfcgi *out)
{
	/* No listening socket: after an error it must not accept by itself. */
	FCGX_InitRequest(&out->request, -1, 0);
}

/* Reads the rest of STDIN, which would be taken for the next request. */
static bool drain_stdin(FCGX_Stream *in)
{
	char bytes[4096];
	int n;
	do
		n = FCGX_GetStr(bytes, sizeof bytes, in);
	while (n == (int)sizeof bytes);
	return FCGX_GetError(in) == 0;
}

/* An answer is over, and so is its connection, unless it stays open. */
static enum served end_answer(bool is_out, bool keep, int fd)
{
	if (is_out && keep)
		return SERVED_IDLE;
	close(fd);
	return SERVED_CLOSED;
}

static void answer_request_of(FCGX_Request *request,
	const struct service *service, struct tree_cache *cache,
	struct stream *stream)
{
	/* Only here an error shows: the params would be cut off. */
	if (FCGX_GetError(request->in) != 0 || !drain_stdin(request->in))
		return; /* no test: the gate lets none through */
	stream->id = (unsigned)request->requestId;
	struct unsettled *unsettled =
		respond(service, cache, request->envp, &stream->sink);
	if (stream->later == NULL)
		return;
	stream->later->unsettled = unsettled;
	stream->later->keep = request->keepConnection != 0;
	if (unsettled == NULL) {
		/* no test: no memory */
		free_sending(stream->later);
		stream->later = NULL;
	}
}

/*
 * FCGX_Accept_r() normally accepts a connection itself. What it does when one
 * is kept alive is the same as what is wanted here, and is asked for by these
 * members, which fcgiapp.h calls private; they are what the build checks for.
 * FCGX_Free() lets go of the connection without a word to the peer.
 */
enum served libfcgi_serve(struct libfcgi *libfcgi, int fd,
	const struct service *service, struct tree_cache *cache,
	struct sending **later)
{
	FCGX_Request *request = &libfcgi->request;
	struct stream stream = {
		.sink = {.is_gone = stream_is_gone, .send = stream_send},
		.fd = fd};

	*later = NULL;
	request->ipcFd = fd;
	request->keepConnection = 1;
	FCGX_Detach(request);
	if (FCGX_Accept_r(request) != 0)
		return SERVED_CLOSED;

	answer_request_of(request, service, cache, &stream);
	const bool keeps = request->keepConnection != 0;
	FCGX_Free(request, 0);
	request->ipcFd = -1;
	*later = stream.later;
	return stream.later != NULL ? SERVED_SENDING
	                            : end_answer(stream.is_out, keeps, fd);
}

enum served sending_continue(struct sending *sending, int fd)
{
	if (!respond_enter(sending->unsettled))
		return SERVED_HELD; /* rare: needs a file system that hangs */
	const enum delivery_state state =
		delivery_go_on(&sending->delivery, fd);
	const bool keeps = sending->keep;
	if (state != DELIVERY_WAITS)
		settle_sending(sending);
	respond_leave();
	if (state == DELIVERY_WAITS)
		return SERVED_SENDING;
	return end_answer(state == DELIVERY_ENDED, keeps, fd);
}

void sending_break_off(struct sending *sending, int fd)
{
	settle_sending(sending);
	close(fd);
}
