/* SPDX-License-Identifier: MIT */
/*
 * Has libfcgi read one request, which lies whole in its socket, and answers it.
 * libfcgi never accepts, waits or writes here. An answer that the peer does not
 * take at once goes on as a struct unsent, without a thread:
 * unsent_continue() when there is room, or unsent_break_off(). Both settle
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

struct unsent {
	struct delivery delivery;
	struct unfinished *unfinished;
	bool keep;             /* the connection, for another request */
	unsigned char first[]; /* the first record, if it is not out yet */
};

/* A sink that is the request's connection. */
struct stream {
	struct sink sink;
	int fd;
	unsigned id; /* of the request */
	bool is_out; /* a whole answer, with its end */
	struct unsent *later;
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
static struct unsent *make_unsent(const struct delivery *delivery)
{
	struct unsent *unsent = malloc(sizeof *unsent + delivery->first_size);
	if (unsent == NULL)
		return NULL; /* no test: no memory */

	memcpy(unsent->first, delivery->first, delivery->first_size);
	unsent->delivery = *delivery;
	unsent->delivery.first = unsent->first;
	return unsent;
}

static void free_unsent(struct unsent *unsent)
{
	if (unsent->delivery.file >= 0)
		close(unsent->delivery.file);
	free(unsent);
}

/* The request is over, whatever was sent of its answer. */
static void finish_unsent(struct unsent *unsent)
{
	respond_finish(
		unsent->unfinished, delivery_undelivered(&unsent->delivery));
	free_unsent(unsent);
}

static long long stream_send(struct sink *sink, const struct answer *answer)
{
	struct stream *stream = stream_of(sink);
	unsigned char first[DELIVERY_FIRST_MAX];
	struct delivery delivery;

	delivery_begin(stream->id, answer, first, &delivery);
	const enum delivery_state state =
		delivery_continue(&delivery, stream->fd);
	stream->is_out = state == DELIVERY_ENDED;
	if (state == DELIVERY_WAITS) {
		stream->later = make_unsent(&delivery);
		stream->sink.undelivered = delivery_undelivered(&delivery);
		if (stream->later != NULL)
			return SINK_LATER;
	}
	return delivery_undelivered(&delivery);
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
static enum outcome end_answer(bool is_out, bool keep, int fd)
{
	if (is_out && keep)
		return OUTCOME_IDLE;
	close(fd);
	return OUTCOME_CLOSED;
}

static void answer_request_of(FCGX_Request *request,
	const struct service *service, struct tree_cache *cache,
	struct stream *stream)
{
	/* Only here an error shows: the params would be cut off. */
	if (FCGX_GetError(request->in) != 0 || !drain_stdin(request->in))
		return; /* no test: the gate lets none through */
	stream->id = (unsigned)request->requestId;
	struct unfinished *unfinished =
		respond(service, cache, request->envp, &stream->sink);
	if (stream->later == NULL)
		return;
	stream->later->unfinished = unfinished;
	stream->later->keep = request->keepConnection != 0;
	if (unfinished == NULL) {
		/* no test: no memory */
		free_unsent(stream->later);
		stream->later = NULL;
	}
}

/*
 * FCGX_Accept_r() accepts a connection only if none is kept alive. So ipcFd and
 * keepConnection are set as if fd were kept alive, and it reads from fd.
 * fcgiapp.h calls these members private; the build checks that they exist.
 * FCGX_Free() gives up the connection without sending anything.
 */
enum outcome libfcgi_serve(struct libfcgi *libfcgi, int fd,
	const struct service *service, struct tree_cache *cache,
	struct unsent **later)
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
		return OUTCOME_CLOSED;

	answer_request_of(request, service, cache, &stream);
	const bool keeps = request->keepConnection != 0;
	FCGX_Free(request, 0);
	request->ipcFd = -1;
	*later = stream.later;
	return stream.later != NULL ? OUTCOME_SENDING
	                            : end_answer(stream.is_out, keeps, fd);
}

enum outcome unsent_continue(struct unsent *unsent, int fd)
{
	if (!respond_enter(unsent->unfinished))
		return OUTCOME_HELD; /* rare: needs a file system that hangs */
	const enum delivery_state state =
		delivery_continue(&unsent->delivery, fd);
	const bool keeps = unsent->keep;
	if (state != DELIVERY_WAITS)
		finish_unsent(unsent);
	respond_leave();
	if (state == DELIVERY_WAITS)
		return OUTCOME_SENDING;
	return end_answer(state == DELIVERY_ENDED, keeps, fd);
}

void unsent_break_off(struct unsent *unsent, int fd)
{
	finish_unsent(unsent);
	close(fd);
}
