/* SPDX-License-Identifier: MIT */
/*
 * Writes an answer as FastCGI records (FastCGI specification, section 3.3), as
 * far as the peer takes it, and knows how much of it is missing.
 */
#include "fcgi/delivery.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE sizeof(FCGI_Header)
/* Of a file, in one record: as much as fits into a slow peer's socket. */
#define CONTENT_MAX ((size_t)16384)
/* In one go, to a peer that takes faster than the disk gives. */
#define RECORDS_MAX 16

static void write_header(
	unsigned char *out, unsigned type, unsigned id, size_t length)
{
	const FCGI_Header header = {
		.version = FCGI_VERSION_1,
		.type = (unsigned char)type,
		.requestIdB1 = (unsigned char)(id >> 8),
		.requestIdB0 = (unsigned char)id,
		.contentLengthB1 = (unsigned char)(length >> 8),
		.contentLengthB0 = (unsigned char)length,
	};
	memcpy(out, &header, sizeof header);
}

/* The end of STDOUT, and END_REQUEST: status 0, FCGI_REQUEST_COMPLETE. */
static void write_end(unsigned char *out, unsigned id)
{
	static const FCGI_EndRequestBody complete;

	write_header(out, FCGI_STDOUT, id, 0);
	write_header(out + HEADER_SIZE, FCGI_END_REQUEST, id, sizeof complete);
	memcpy(out + 2 * HEADER_SIZE, &complete, sizeof complete);
}

void delivery_begin(unsigned id, const struct answer *answer,
	unsigned char first[static DELIVERY_FIRST_MAX], struct delivery *out)
{
	*out = (struct delivery){
		.id = id,
		.file = answer->file,
		.next = answer->next,
		.end = answer->end,
		.first = first,
		.first_size = HEADER_SIZE + answer->size,
	};
	write_header(first, FCGI_STDOUT, id, answer->size);
	memcpy(first + HEADER_SIZE, answer->bytes, answer->size);
	if (out->next == out->end) {
		write_end(first + out->first_size, id);
		out->first_size += DELIVERY_END_SIZE;
	}
}

/* How much of the file is in the record under way. */
static size_t content_size(const struct delivery *d)
{
	const off_t left = d->end - d->next;
	return left < (off_t)CONTENT_MAX ? (size_t)left : CONTENT_MAX;
}

/* Reads all of that, from there on. False: it can't be had. */
static bool read_all(int fd, unsigned char *out, size_t size, off_t offset)
{
	while (size > 0) {
		ssize_t n = pread(fd, out, size, offset);
		if (n == 0 || (n < 0 && errno != EINTR))
			return false; /* it has become shorter, or an error */
		if (n > 0) {
			out += n;
			size -= (size_t)n;
			offset += n;
		}
	}
	return true;
}

/* Writes the record under way, but for what is out. Its size, or 0. */
static size_t write_record(const struct delivery *d, unsigned char *out)
{
	const size_t content = content_size(d);
	const size_t skip = d->sent > HEADER_SIZE ? d->sent - HEADER_SIZE : 0;
	const bool is_last = d->next + (off_t)content == d->end;

	write_header(out, FCGI_STDOUT, d->id, content);
	if (skip < content && !read_all(d->file, out + HEADER_SIZE + skip,
				      content - skip, d->next + (off_t)skip))
		return 0;
	if (is_last)
		write_end(out + HEADER_SIZE + content, d->id);
	return HEADER_SIZE + content + (is_last ? DELIVERY_END_SIZE : 0);
}

/* The rest of the record under way goes out, as far as it does. */
static enum delivery_state send_record(
	struct delivery *d, int fd, const unsigned char *record, size_t size)
{
	while (d->sent < size) {
		ssize_t n = send(fd, record + d->sent, size - d->sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0)
			d->sent += (size_t)n;
		else if (errno == EAGAIN)
			return DELIVERY_WAITS;
		else if (errno != EINTR)
			return DELIVERY_BROKEN;
	}
	return DELIVERY_ENDED;
}

static enum delivery_state send_first(struct delivery *d, int fd)
{
	enum delivery_state state = send_record(d, fd, d->first, d->first_size);

	if (state == DELIVERY_ENDED)
		d->sent = d->first_size = 0;
	return state;
}

static enum delivery_state send_next(struct delivery *d, int fd)
{
	unsigned char record[HEADER_SIZE + CONTENT_MAX + DELIVERY_END_SIZE];
	const size_t size = write_record(d, record);
	if (size == 0)
		return DELIVERY_BROKEN;

	enum delivery_state state = send_record(d, fd, record, size);
	if (state == DELIVERY_ENDED) {
		d->next += (off_t)content_size(d);
		d->sent = 0;
	}
	return state;
}

enum delivery_state delivery_continue(struct delivery *delivery, int fd)
{
	enum delivery_state state = DELIVERY_ENDED;

	if (delivery->first_size > 0)
		state = send_first(delivery, fd);
	for (int records = 0;
		state == DELIVERY_ENDED && delivery->next < delivery->end;
		records++) {
		if (records == RECORDS_MAX)
			return DELIVERY_WAITS;
		state = send_next(delivery, fd);
	}
	return state;
}

long long delivery_undelivered(const struct delivery *delivery)
{
	const bool is_first = delivery->first_size > 0;
	long long content = delivery->end - delivery->next;
	long long out = 0;

	if (is_first)
		content += (long long)(delivery->first_size - HEADER_SIZE -
				       (content == 0 ? DELIVERY_END_SIZE : 0));
	if (delivery->sent > HEADER_SIZE)
		out = (long long)(delivery->sent - HEADER_SIZE);
	return out < content ? content - out : 0;
}

/*
 * FastCGI has no record for this. But a web server closes an idle connection on
 * which something comes. What comes is an empty STDERR record, of the request
 * id that all servers use which have one request at a time. If the server sends
 * a request at the same moment, that record comes before the answer and does
 * nothing.
 */
void delivery_ask_to_close(int fd)
{
	static const FCGI_Header nothing = {
		.version = FCGI_VERSION_1,
		.type = FCGI_STDERR,
		.requestIdB0 = 1,
	};

	/* A peer that takes nothing has no room for it. */
	send(fd, &nothing, sizeof nothing, MSG_DONTWAIT | MSG_NOSIGNAL);
}
