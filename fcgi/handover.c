/* SPDX-License-Identifier: MIT */
#include "handover.h"

#include <fastcgi.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>

#include "respond.h"
#include "sink.h"

/* A sink that is the request's output stream. */
struct stream {
	struct sink sink;
	struct handover *handover;
	bool ended;
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
		.fd = stream_of(sink)->handover->request.ipcFd,
		.events = POLLRDHUP | POLLIN,
	};
	return poll(&peer, 1, 0) == 1;
}

static bool put(struct sink *sink, const void *bytes, size_t size)
{
	/* size is at most some kB: int is wide enough. */
	return FCGX_PutStr(bytes, (int)size,
		       stream_of(sink)->handover->request.out) == (int)size;
}

/*
 * The stream for errors first: END_REQUEST goes out with the last of the two,
 * so a small answer is one write.
 */
static bool end(struct sink *sink)
{
	struct stream *stream = stream_of(sink);
	FCGX_Request *request = &stream->handover->request;

	stream->ended = FCGX_FClose(request->err) == 0 &&
	                FCGX_FClose(request->out) == 0;
	return stream->ended;
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

/*
 * FCGX_Accept_r() normally accepts a connection itself. What it does when one
 * is kept alive is the same as what is wanted here, and is asked for by these
 * members, which fcgiapp.h calls private; they are what the build checks for.
 * FCGX_Detach() saves the close the wait of up to two seconds for the peer.
 */
bool handover_serve(struct handover *handover, int fd,
	const struct service *service, struct kept *kept)
{
	FCGX_Request *request = &handover->request;
	struct stream stream = {
		.sink = {is_gone, put, end},
		.handover = handover,
	};

	request->ipcFd = fd;
	request->keepConnection = 1;
	FCGX_Detach(request);
	if (FCGX_Accept_r(request) != 0)
		return false;

	/* An error here shows nowhere else: the params would be cut off. */
	if (FCGX_GetError(request->in) == 0 && drain(request->in))
		respond(service, kept, request->envp, &stream.sink);
	if (!stream.ended) {
		/* Without END_REQUEST, so that it does not look whole. */
		FCGX_Free(request, 1);
		return false;
	}
	FCGX_Finish_r(request);
	bool stays = request->ipcFd >= 0;
	request->ipcFd = -1;
	return stays;
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
