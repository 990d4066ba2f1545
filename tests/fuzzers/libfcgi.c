/* SPDX-License-Identifier: MIT */
/*
 * Whole requests through the gate into libfcgi, and the real answer out of a
 * real tree. The input: a line of letters, then either a param a line, from
 * which a stream is made, or, with the letter r, a stream as it is.
 *
 *     k  the peer keeps the connection     2  it asks again on it
 *     s  PARAMS come in small records      b  there is a body
 *     h  the peer shuts down its side      g  it is gone
 *     d  no root but DOCUMENT_ROOT      w  nothing can be written to it
 *     t  its socket takes very little
 *
 * Each capital letter, up to P, is a time that the peer of an answer that is
 * sent later takes some of it: A is one byte, B two, C four. Then
 *
 *     c  the peer closes                x  the responder breaks it off
 *
 * or else the peer takes all that comes.
 *
 * "@" in front of a value is the place of the tree.
 */
#include "fcgi/libfcgi.h"

#include <fastcgi.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "armed.h"
#include "boot/tree_cache.h"
#include "cgi/log.h"
#include "cgi/respond.h"
#include "fcgi/gate.h"
#include "fuzz.h"
#include "stream.h"

#define SMALL 7 /* bytes of a small record */
#define SOCKET_BUFFER 16384

static struct libfcgi libfcgi;
static struct tree_cache open_tree;
static struct log null;
static struct service service = {.log = &null, .no_root_status = 503};
static char root[PATH_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	armed_make();
	MUST(fuzz_expand("@/root", root, sizeof root));
	service.settings = settings_default;
	service.settings.log = "/dev/null";
	log_open(service.settings.log, &null);
	MUST(libfcgi_init() == 0);
	libfcgi_open(&libfcgi);
	tree_cache_init(&open_tree);
	return 0;
}

/* Makes a stream of lines of the form NAME=value. */
static void make_stream(struct input *in, const char *how, struct stream *out)
{
	static uint8_t content[GATE_SIZE_MAX];
	const uint8_t begin[8] = {0, FCGI_RESPONDER, strchr(how, 'k') != NULL};
	char value[PATH_MAX];
	size_t size = 0, piece;

	while (in->left > 0) {
		char *line = fuzz_string(in, '\n');
		char *equals = strchr(line, '=');
		if (equals != NULL)
			*equals = '\0';
		if (!fuzz_expand(equals == NULL ? "" : equals + 1, value,
			    sizeof value))
			value[0] = '\0';
		size = stream_pair(line, value, content, size, sizeof content);
		free(line);
	}
	stream_record(out, FCGI_BEGIN_REQUEST, begin, sizeof begin);
	for (size_t at = 0; at < size; at += piece) {
		piece = strchr(how, 's') ? SMALL : 32768;
		if (piece > size - at)
			piece = size - at;
		stream_record(out, FCGI_PARAMS, content + at, piece);
	}
	stream_record(out, FCGI_PARAMS, NULL, 0);
	if (strchr(how, 'b'))
		stream_record(out, FCGI_STDIN, content, sizeof content / 8);
	stream_record(out, FCGI_STDIN, NULL, 0);
}

static bool begins(const char *bytes, size_t size, const char *with)
{
	return size >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0;
}

/*
 * Whether a request may be answered here: it must not name a log or a root
 * that belongs to this machine.
 */
static bool is_harmless(const struct request *request)
{
	struct param param;
	char value[PATH_MAX];

	for (size_t at = 0; stream_param(request, &at, &param);) {
		const bool is_log =
			begins(param.name, param.name_size, "PXESRV_LOG");
		if (!is_log &&
			!begins(param.name, param.name_size, "PXESRV_ROOT") &&
			!begins(param.name, param.name_size, "DOCUMENT_ROOT"))
			continue;
		if (param.value_size >= sizeof value)
			return false;
		memcpy(value, param.value, param.value_size);
		value[param.value_size] = '\0';
		if (is_log ? strcmp(value, "/dev/null") != 0
			   : strcmp(value, root) != 0)
			return false;
	}
	return true;
}

static bool is_head(const struct request *request)
{
	static const char name[] = "REQUEST_METHOD";
	struct param param;

	/* Of a variable that is there twice the first one counts. */
	for (size_t at = 0; stream_param(request, &at, &param);) {
		if (param.name_size == strlen(name) && param.value_size > 0 &&
			begins(param.name, param.name_size, name))
			return param.value_size == 4 &&
			       begins(param.value, 4, "HEAD");
	}
	return false;
}

/* One connection, and what became of the answers on it. */
struct talk {
	int peer, fd; /* peer: -1 when it is gone */
	const char *how;
	const struct request *request;
	bool is_kept;
	struct answer_read got; /* of the last answer */
};

static bool does(const struct talk *talk, char what)
{
	return strchr(talk->how, what) != NULL;
}

static void hang_up(struct talk *talk)
{
	MUST(close(talk->peer) == 0);
	talk->peer = -1;
}

/* An answer that is sent later, to a peer that takes a little of it. */
static enum outcome send_slowly(struct talk *talk, struct unsent *later)
{
	enum outcome served = OUTCOME_SENDING;

	for (const char *step = talk->how;
		*step != '\0' && served == OUTCOME_SENDING; step++) {
		if (*step < 'A' || *step > 'P')
			continue;
		answer_take(talk->peer, (size_t)1 << (*step - 'A'));
		served = unsent_continue(later, talk->fd);
	}
	return served;
}

/* The rest of it. */
static enum outcome continue_connection(struct talk *talk, struct unsent *later)
{
	enum outcome served = OUTCOME_SENDING;

	if (does(talk, 'x')) {
		unsent_break_off(later, talk->fd);
		return OUTCOME_CLOSED;
	}
	if (does(talk, 'c')) {
		/* With nothing unread, it is known what it has got. */
		answer_take(talk->peer, SIZE_MAX);
		hang_up(talk);
		MUST(unsent_continue(later, talk->fd) == OUTCOME_CLOSED);
		return OUTCOME_CLOSED;
	}
	while (served == OUTCOME_SENDING) {
		/* It waits for nobody when the socket is empty. */
		MUST(answer_take(talk->peer, SIZE_MAX) > 0);
		served = unsent_continue(later, talk->fd);
	}
	return served;
}

/* Sends the request and has it answered. */
static void ask(struct talk *talk, const struct stream *stream)
{
	struct unsent *later;

	MUST(send(talk->peer, stream->bytes, stream->size, MSG_DONTWAIT) ==
		(ssize_t)stream->size);
	if (does(talk, 'h'))
		shutdown(talk->peer, SHUT_WR);
	if (does(talk, 'g'))
		hang_up(talk);
	if (does(talk, 'w'))
		shutdown(talk->fd, SHUT_WR);
	answer_forget();
	enum outcome served =
		libfcgi_serve(&libfcgi, talk->fd, &service, &open_tree, &later);
	const bool is_later = served == OUTCOME_SENDING;
	if (is_later)
		served = send_slowly(talk, later);
	if (served == OUTCOME_SENDING)
		served = continue_connection(talk, later);
	if (talk->peer >= 0)
		answer_take(talk->peer, SIZE_MAX);
	answer_look(talk->request->id, is_head(talk->request), &talk->got);

	const bool ended = talk->got.has_ended;
	talk->is_kept = served == OUTCOME_IDLE;
	MUST(ended || strpbrk(talk->how, "ghw") ||
		(is_later && strpbrk(talk->how, "cx")));
	MUST(talk->is_kept ? talk->request->keep
			   : !ended || !talk->request->keep);
}

/* Whether the link that was armed, if any, went where it belongs. */
static void check_links(const struct talk *talk)
{
	/* The second time it is the same client. */
	const size_t moved = armed_restore();
	const bool is_get = !is_head(talk->request);

	MUST(moved <= 1);
	if (moved == 1)
		MUST(is_get && talk->got.is_whole);
	if (talk->got.is_whole && talk->got.body == ARMED_LARGE)
		MUST(moved == 1);
}

static void serve(const struct stream *stream, const char *how,
	const struct request *request)
{
	int pair[2];
	const int buffer = strchr(how, 't') ? 1 : SOCKET_BUFFER;
	const uint64_t before = fuzz_descriptors();

	service.settings.root = strchr(how, 'd') ? NULL : root;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	MUST(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &buffer,
		     sizeof buffer) == 0);
	struct talk talk = {
		.peer = pair[0], .fd = pair[1], .how = how, .request = request};
	ask(&talk, stream);
	if (talk.is_kept && strchr(how, '2') && strpbrk(how, "ghw") == NULL)
		ask(&talk, stream);
	if (talk.is_kept)
		MUST(close(talk.fd) == 0);
	if (talk.peer >= 0)
		hang_up(&talk);
	tree_cache_release(&open_tree);
	MUST(fuzz_descriptors() == before);
	check_links(&talk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream stream;
	static struct request request;
	static unsigned char scratch[GATE_SIZE_MAX];
	struct input in = {data, size};
	char *how = fuzz_string(&in, '\n');

	stream.size = 0;
	if (strchr(how, 'r') == NULL) {
		make_stream(&in, how, &stream);
	} else if (in.left > 0 && in.left <= STREAM_MAX) {
		memcpy(stream.bytes, in.at, in.left);
		stream.size = in.left;
	}
	bool passes =
		gate_check(stream.bytes, stream.size, scratch) == GATE_PASS;
	fuzz_tally(passes);
	if (passes) {
		MUST(stream_is_request(stream.bytes, stream.size, &request));
		if (is_harmless(&request))
			serve(&stream, how, &request);
	}
	free(how);
	return 0;
}
