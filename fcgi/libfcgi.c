/* SPDX-License-Identifier: MIT */
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
static bool is_gone(struct sink *sink)
{
	struct pollfd peer = {
		.fd = stream_of(sink)->fd,
		.events = POLLRDHUP | POLLIN,
	};
	return poll(&peer, 1, 0) == 1;
}

/* What is to be sent later. NULL: there is no memory. */
static struct sending *keep(const struct delivery *delivery)
{
	struct sending *kept = malloc(sizeof *kept + delivery->first_size);
	if (kept == NULL)
		return NULL;

	memcpy(kept->first, delivery->first, delivery->first_size);
	kept->delivery = *delivery;
	kept->delivery.first = kept->first;
	return kept;
}

static void free_sending(struct sending *sending)
{
	if (sending->delivery.file >= 0)
		close(sending->delivery.file);
	free(sending);
}

/* The request is over, with what is out of its answer. */
static void settle(struct sending *sending)
{
	respond_settle(
		sending->unsettled, delivery_missing(&sending->delivery));
	free_sending(sending);
}

static long long send_answer(struct sink *sink, const struct answer *answer)
{
	struct stream *stream = stream_of(sink);
	unsigned char first[DELIVERY_FIRST_MAX];
	struct delivery delivery;

	delivery_begin(stream->id, answer, first, &delivery);
	const enum delivery_state state = delivery_go_on(&delivery, stream->fd);
	stream->is_out = state == DELIVERY_ENDED;
	if (state == DELIVERY_WAITS) {
		stream->later = keep(&delivery);
		stream->sink.missing = delivery_missing(&delivery);
		if (stream->later != NULL)
			return SINK_LATER;
	}
	return delivery_missing(&delivery);
}

int handover_start(void)
{
	if (FCGX_Init() != 0)
		return -1;

	/*
	 * FCGX_Init has put handlers there which end a loop of libfcgi's own
	 * that is not used here.
	 */
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

void handover_open(struct handover *out)
{
	/* No listening socket: after an error it must not accept by itself. */
	FCGX_InitRequest(&out->request, -1, 0);
}

/* Reads what is left of STDIN: it would be taken for the next request. */
static bool drain(FCGX_Stream *in)
{
	char bytes[4096];
	int n;
	do
		n = FCGX_GetStr(bytes, sizeof bytes, in);
	while (n == (int)sizeof bytes);
	return FCGX_GetError(in) == 0;
}

/* An answer is over, and so is its connection, unless it is kept. */
static enum served end(bool is_out, bool keep, int fd)
{
	if (is_out && keep)
		return SERVED_KEPT;
	close(fd);
	return SERVED_CLOSED;
}

static void answer(FCGX_Request *request, const struct service *service,
	struct tree_cache *kept, struct stream *stream)
{
	/* An error here shows nowhere else: the params would be cut off. */
	if (FCGX_GetError(request->in) != 0 || !drain(request->in))
		return;
	stream->id = (unsigned)request->requestId;
	struct unsettled *unsettled =
		respond(service, kept, request->envp, &stream->sink);
	if (stream->later == NULL)
		return;
	stream->later->unsettled = unsettled;
	stream->later->keep = request->keepConnection != 0;
	if (unsettled == NULL) {
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
enum served handover_serve(struct handover *handover, int fd,
	const struct service *service, struct tree_cache *kept,
	struct sending **later)
{
	FCGX_Request *request = &handover->request;
	struct stream stream = {
		.sink = {.is_gone = is_gone, .send = send_answer}, .fd = fd};

	*later = NULL;
	request->ipcFd = fd;
	request->keepConnection = 1;
	FCGX_Detach(request);
	if (FCGX_Accept_r(request) != 0)
		return SERVED_CLOSED;

	answer(request, service, kept, &stream);
	const bool keeps = request->keepConnection != 0;
	FCGX_Free(request, 0);
	request->ipcFd = -1;
	*later = stream.later;
	return stream.later != NULL ? SERVED_SENDING
	                            : end(stream.is_out, keeps, fd);
}

enum served handover_go_on(struct sending *sending, int fd)
{
	if (!respond_enter(sending->unsettled))
		return SERVED_HELD;
	const enum delivery_state state =
		delivery_go_on(&sending->delivery, fd);
	const bool keeps = sending->keep;
	if (state != DELIVERY_WAITS)
		settle(sending);
	respond_leave();
	if (state == DELIVERY_WAITS)
		return SERVED_SENDING;
	return end(state == DELIVERY_ENDED, keeps, fd);
}

void handover_break_off(struct sending *sending, int fd)
{
	settle(sending);
	close(fd);
}

/*
 * FastCGI has no word for it. But a web server closes an idle connection on
 * which something comes: an empty STDERR, of the request id that all servers
 * use which have one request at a time. If it sends a request in the same
 * moment, that record comes before the answer, and says nothing.
 */
void handover_let_go(int fd)
{
	static const FCGI_Header nothing = {
		.version = FCGI_VERSION_1,
		.type = FCGI_STDERR,
		.requestIdB0 = 1,
	};

	/* A peer that takes nothing has no place for it, and no need. */
	send(fd, &nothing, sizeof nothing, MSG_DONTWAIT | MSG_NOSIGNAL);
}
