/* SPDX-License-Identifier: MIT */
/*
 * Checks the records of a request within bounds, without libfcgi, and passes
 * only one whole, plain request: libfcgi trusts its peer.
 */
#include "fcgi/gate.h"

#include <fastcgi.h>
#include <stdbool.h>
#include <string.h>

/* A record whose bounds were checked. */
struct record {
	unsigned type;
	unsigned id;
	const unsigned char *content;
	size_t length;
	size_t padding;
};

/* Bytes from which records or pairs are taken, front to back. */
struct cursor {
	const unsigned char *at;
	size_t left;
};

static void skip(struct cursor *c, size_t n)
{
	c->at += n;
	c->left -= n;
}

static enum gate take_record(struct cursor *c, struct record *out)
{
	if (c->left < FCGI_HEADER_LEN)
		return GATE_WAIT;

	const unsigned char *head = c->at;
	size_t length = (size_t)head[4] << 8 | head[5];
	size_t padding = head[6];
	if (head[0] != FCGI_VERSION_1)
		return GATE_REFUSE;
	*out = (struct record){
		.type = head[1],
		.id = (unsigned)head[2] << 8 | head[3],
		.content = head + FCGI_HEADER_LEN,
		.length = length,
		.padding = padding,
	};
	if (c->left - FCGI_HEADER_LEN < length + padding)
		return GATE_WAIT;
	skip(c, FCGI_HEADER_LEN + length + padding);
	return GATE_PASS;
}

/* Takes the length of a name or a value: one byte, or four (section 3.4). */
static bool take_length(struct cursor *c, size_t *out)
{
	if (c->left < 1)
		return false;
	if (c->at[0] < 0x80) {
		*out = c->at[0];
		skip(c, 1);
		return true;
	}
	if (c->left < 4)
		return false;
	*out = (size_t)(c->at[0] & 0x7f) << 24 | (size_t)c->at[1] << 16 |
	       (size_t)c->at[2] << 8 | c->at[3];
	skip(c, 4);
	return true;
}

static bool take_pair(struct cursor *c)
{
	size_t name, value;

	if (!take_length(c, &name) || !take_length(c, &value))
		return false;
	if (name == 0 || name > c->left || value > c->left - name)
		return false;
	if (memchr(c->at, '=', name) != NULL ||
		memchr(c->at, '\0', name + value) != NULL)
		return false;
	skip(c, name + value);
	return true;
}

static bool are_pairs(const unsigned char *bytes, size_t size)
{
	struct cursor c = {bytes, size};

	while (c.left > 0) {
		if (!take_pair(&c))
			return false;
	}
	return true;
}

static enum gate check_begin(struct cursor *c, unsigned *id)
{
	struct record begin;
	/* Refuse a wrong start before it is complete. */
	if ((c->left >= 1 && c->at[0] != FCGI_VERSION_1) ||
		(c->left >= 2 && c->at[1] != FCGI_BEGIN_REQUEST))
		return GATE_REFUSE;

	enum gate result = take_record(c, &begin);
	if (result != GATE_PASS)
		return result;
	if (begin.id == FCGI_NULL_REQUEST_ID ||
		begin.length != sizeof(FCGI_BeginRequestBody) ||
		begin.content[0] != 0 || begin.content[1] != FCGI_RESPONDER ||
		begin.padding != 0)
		return GATE_REFUSE;
	*id = begin.id;
	return GATE_PASS;
}

/*
 * Takes a stream: records of one type, the last one empty. Copies the contents
 * to out, which is never too small: contents are shorter than records.
 */
static enum gate check_stream(struct cursor *c, unsigned type, unsigned id,
	unsigned char out[static GATE_SIZE_MAX], size_t *size)
{
	struct record record;

	*size = 0;
	for (;;) {
		enum gate result = take_record(c, &record);
		if (result == GATE_WAIT && c->left >= FCGI_HEADER_LEN &&
			(record.type != type || record.id != id))
			return GATE_REFUSE;
		if (result != GATE_PASS)
			return result;
		if (record.type != type || record.id != id)
			return GATE_REFUSE;
		if (record.length == 0)
			return record.padding == 0 ? GATE_PASS : GATE_REFUSE;
		memcpy(out + *size, record.content, record.length);
		*size += record.length;
	}
}

enum gate gate_check(const unsigned char *bytes, size_t size,
	unsigned char scratch[static GATE_SIZE_MAX])
{
	struct cursor c = {bytes, size};
	unsigned id;
	size_t length;

	if (size > GATE_SIZE_MAX)
		return GATE_REFUSE;
	enum gate result = check_begin(&c, &id);
	if (result == GATE_PASS)
		result = check_stream(&c, FCGI_PARAMS, id, scratch, &length);
	if (result == GATE_PASS && !are_pairs(scratch, length))
		result = GATE_REFUSE;
	if (result == GATE_PASS)
		result = check_stream(&c, FCGI_STDIN, id, scratch, &length);
	/* libfcgi would lose a second request in its buffer. */
	if (result == GATE_PASS && c.left > 0)
		result = GATE_REFUSE;
	if (result == GATE_WAIT && size == GATE_SIZE_MAX)
		result = GATE_REFUSE;
	return result;
}
