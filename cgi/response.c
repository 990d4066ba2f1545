/* SPDX-License-Identifier: MIT */
/* Writes answers as a CGI response (RFC 3875, section 6). */
#include "cgi/response.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/target.h"
#include "boot/text.h"
#include "cgi/sink.h"

#define RETRY_AFTER "5" /* seconds: iPXE waits that long and asks again */

int response_status(enum reason reason)
{
	switch (reason) {
	case REASON_NONE:
		return 200;
	case REASON_MISSING:
		return 404;
	case REASON_FORBIDDEN:
		return 403;
	default:
		return 503;
	}
}

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "200 OK";
	case 400:
		return "400 Bad Request";
	case 403:
		return "403 Forbidden";
	case 404:
		return "404 Not Found";
	case 405:
		return "405 Method Not Allowed";
	case 503:
		return "503 Service Unavailable";
	default:
		return "500 Internal Server Error";
	}
}

/* Headers that only some statuses have, each with its end of line. */
static const char *status_headers(int status)
{
	switch (status) {
	case 405:
		return "Allow: GET, HEAD\r\n";
	case 503:
		return "Retry-After: " RETRY_AFTER "\r\n";
	default:
		return "";
	}
}

/*
 * Writes the head, with CGI's Status (RFC 3875, section 6.3.3), into
 * ANSWER_BYTES_MAX bytes, where it takes some hundred. Returns its length.
 */
static size_t write_head(char out[static ANSWER_BYTES_MAX], int status,
	const char *type, long long length)
{
	struct text head;

	text_begin(&head, out, ANSWER_BYTES_MAX);
	text_add(&head, "Status: ");
	text_add(&head, status_text(status));
	text_add(&head, "\r\nContent-Type: ");
	text_add(&head, type);
	text_add(&head, "\r\nContent-Length: ");
	text_add_number(&head, (unsigned long long)length, 0);
	text_add(&head, "\r\nCache-Control: no-store\r\n");
	text_add(&head, status_headers(status));
	text_add(&head, "\r\n");
	return head.length;
}

long long response_text(struct sink *sink, int status, bool head_only,
	const char *text, long long *bytes)
{
	char out[ANSWER_BYTES_MAX];
	/* With its end of line. The head takes far less than half of out. */
	const size_t length = strnlen(text, sizeof out / 2) + 1;
	size_t n = write_head(
		out, status, "text/plain; charset=utf-8", (long long)length);

	*bytes = 0;
	if (!head_only) {
		memcpy(out + n, text, length - 1);
		n += length;
		out[n - 1] = '\n';
		*bytes = (long long)length;
	}
	const struct answer answer = {.bytes = out, .size = n, .file = -1};
	return sink->send(sink, &answer);
}

/* Reads up to size bytes. Returns how many, or -1 with errno. */
static ssize_t read_beginning(int fd, void *out, size_t size)
{
	ssize_t n;
	do
		n = pread(fd, out, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

static size_t smaller_size(size_t a, long long b)
{
	return b < (long long)a ? (size_t)b : a;
}

long long response_file(struct sink *sink, struct target *target,
	bool head_only, long long *bytes)
{
	char first[ANSWER_BYTES_MAX];
	const long long size = target->size;
	struct answer answer = {.bytes = first, .file = -1};

	*bytes = 0;
	answer.size = write_head(first, 200, target->type, size);
	if (!head_only && size > 0) {
		/* Before the head is sent, an error can still be sent. */
		ssize_t got = read_beginning(target->fd, first + answer.size,
			smaller_size(sizeof first - answer.size, size));
		if (got <= 0) {
			errno = got < 0 ? errno : EIO;
			return RESPONSE_NOTHING;
		}
		answer.size += (size_t)got;
		if (got < size) {
			answer.file = target->fd;
			answer.next = got;
			answer.end = size;
		}
		*bytes = size;
	}
	const long long undelivered = sink->send(sink, &answer);
	if (undelivered == SINK_LATER && answer.file >= 0)
		target->fd = -1;
	return undelivered;
}

long long response_offload(
	struct sink *sink, const char *header, const char *type)
{
	char head[ANSWER_BYTES_MAX];
	int n = snprintf(head, sizeof head,
		"Status: 200 OK\r\n"
		"Content-Type: %s\r\n"
		"Cache-Control: no-store\r\n"
		"%s\r\n"
		"\r\n",
		type, header);

	if (n < 0 || (size_t)n >= sizeof head) {
		/* no test: the longest header fits */
		errno = EOVERFLOW;
		return RESPONSE_NOTHING;
	}
	const struct answer answer = {
		.bytes = head, .size = (size_t)n, .file = -1};
	return sink->send(sink, &answer);
}
