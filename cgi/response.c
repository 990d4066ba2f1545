/* SPDX-License-Identifier: MIT */
#include "response.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sink.h"
#include "target.h"
#include "text.h"

#define CHUNK 16384     /* bytes: head and a usual boot script in one piece */
#define RETRY_AFTER "5" /* seconds: iPXE waits that long and asks again */

static const char *status_line(int status)
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
 * Writes the head, with CGI's Status (RFC 3875, section 6.3.3), into CHUNK
 * bytes, where it takes some hundred. Returns its length.
 */
static size_t write_head(
	char out[static CHUNK], int status, const char *type, long long length)
{
	struct text head;

	text_begin(&head, out, CHUNK);
	text_add(&head, "Status: ");
	text_add(&head, status_line(status));
	text_add(&head, "\r\nContent-Type: ");
	text_add(&head, type);
	text_add(&head, "\r\nContent-Length: ");
	text_add_number(&head, (unsigned long long)length, 0);
	text_add(&head, "\r\nCache-Control: no-store\r\n");
	text_add(&head, status_headers(status));
	text_add(&head, "\r\n");
	return head.length;
}

long long response_text(
	struct sink *sink, int status, bool head_only, const char *text)
{
	char bytes[CHUNK];
	size_t length = strlen(text);
	size_t n = write_head(bytes, status, "text/plain; charset=utf-8",
		(long long)length + 1);

	if (n + length + 1 > sizeof bytes)
		return -1;
	if (!head_only) {
		memcpy(bytes + n, text, length + 1);
		n += length;
		bytes[n++] = '\n'; /* instead of the NUL */
	}
	if (!sink->put(sink, bytes, n) || !sink->end(sink))
		return -1;
	return head_only ? 0 : (long long)length + 1;
}

/* Reads up to size bytes from there on. What was read, or -1 with errno. */
static ssize_t read_some(int fd, void *out, size_t size, off_t offset)
{
	ssize_t n;
	do
		n = pread(fd, out, size, offset);
	while (n < 0 && errno == EINTR);
	return n;
}

static size_t smaller(size_t a, long long b)
{
	return b < (long long)a ? (size_t)b : a;
}

/* Sends a file from there on. The file must not have become shorter. */
static bool put_rest(struct sink *sink, const struct target *target, off_t from)
{
	char bytes[CHUNK];

	while (from < target->size) {
		ssize_t n = read_some(target->fd, bytes,
			smaller(sizeof bytes, target->size - from), from);
		if (n <= 0 || !sink->put(sink, bytes, (size_t)n))
			return false;
		from += n;
	}
	return true;
}

enum response_result response_file(struct sink *sink,
	const struct target *target, bool head_only, long long *bytes)
{
	char first[CHUNK];
	long long size = target->size;

	*bytes = 0;
	size_t n = write_head(first, 200, target->type, size);
	if (!head_only && size > 0) {
		/* Before the head is out, so that an error can be told. */
		ssize_t got = read_some(target->fd, first + n,
			smaller(sizeof first - n, size), 0);
		if (got <= 0) {
			errno = got < 0 ? errno : EIO;
			return RESPONSE_NOTHING;
		}
		n += (size_t)got;
		*bytes = got;
	}
	if (!sink->put(sink, first, n))
		return RESPONSE_BROKEN;
	if (!head_only) {
		if (!put_rest(sink, target, *bytes))
			return RESPONSE_BROKEN;
		*bytes = size;
	}
	return sink->end(sink) ? RESPONSE_DELIVERED : RESPONSE_BROKEN;
}

enum response_result response_offload(
	struct sink *sink, const char *header, const char *type)
{
	char head[CHUNK];
	int n = snprintf(head, sizeof head,
		"Status: 200 OK\r\n"
		"Content-Type: %s\r\n"
		"Cache-Control: no-store\r\n"
		"%s\r\n"
		"\r\n",
		type, header);

	if (n < 0 || (size_t)n >= sizeof head) {
		errno = EOVERFLOW;
		return RESPONSE_NOTHING;
	}
	return sink->put(sink, head, (size_t)n) && sink->end(sink)
	               ? RESPONSE_DELIVERED
	               : RESPONSE_BROKEN;
}
