/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <fastcgi.h>
#include <string.h>

#include "fcgi/gate.h"

void stream_record(
	struct stream *out, unsigned type, const void *content, size_t size)
{
	const uint8_t head[FCGI_HEADER_LEN] = {1, (uint8_t)type, 0, 1,
		(uint8_t)(size >> 8), (uint8_t)size, 0, 0};

	if (size > 65535 || out->size + sizeof head + size > STREAM_MAX)
		return;
	memcpy(out->bytes + out->size, head, sizeof head);
	if (size > 0)
		memcpy(out->bytes + out->size + sizeof head, content, size);
	out->size += sizeof head + size;
}

static size_t put_length(size_t length, uint8_t *out)
{
	if (length < 0x80) {
		out[0] = (uint8_t)length;
		return 1;
	}
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(length >> (24 - 8 * i));
	out[0] |= 0x80;
	return 4;
}

size_t stream_pair(const char *name, const char *value, uint8_t *content,
	size_t size, size_t max)
{
	const size_t n = strlen(name), v = strlen(value);

	if (size + 8 + n + v > max)
		return size;
	size += put_length(n, content + size);
	size += put_length(v, content + size);
	memcpy(content + size, name, n);
	memcpy(content + size + n, value, v);
	return size + n + v;
}

/* The size of a record's head and content, and padding; 0: it is not whole. */
static size_t record_size(const uint8_t *head, size_t left)
{
	if (left < FCGI_HEADER_LEN)
		return 0;
	size_t size = FCGI_HEADER_LEN + head[4] * 256u + head[5] + head[6];
	return size <= left ? size : 0;
}

static bool are_good(const struct request *request)
{
	size_t at = 0;
	struct param param;

	while (stream_param(request, &at, &param)) {
		if (param.name_size == 0)
			return false;
		for (size_t i = 0; i < param.name_size; i++) {
			if (param.name[i] == '=' || param.name[i] == '\0')
				return false;
		}
		for (size_t i = 0; i < param.value_size; i++) {
			if (param.value[i] == '\0')
				return false;
		}
	}
	return at == request->size;
}

bool stream_is_request(const uint8_t *bytes, size_t size, struct request *out)
{
	static const unsigned order[] = {FCGI_PARAMS, FCGI_STDIN};
	size_t streams = 0, length;

	/* BEGIN_REQUEST: 8 bytes without padding, role 1. */
	if (size > GATE_SIZE_MAX || record_size(bytes, size) != 16 ||
		bytes[0] != 1 || bytes[1] != FCGI_BEGIN_REQUEST ||
		bytes[6] != 0 || bytes[8] != 0 || bytes[9] != FCGI_RESPONDER)
		return false;
	out->id = bytes[2] * 256u + bytes[3];
	out->keep = bytes[10] & FCGI_KEEP_CONN;
	out->size = 0;
	size_t at = 16;
	for (; streams < 2; at += length) {
		const uint8_t *head = bytes + at;
		length = record_size(head, size - at);
		if (length == 0 || head[0] != 1 || head[1] != order[streams] ||
			head[2] * 256u + head[3] != out->id)
			return false;
		const size_t content = head[4] * 256u + head[5];
		if (content == 0 && head[6] != 0)
			return false;
		if (streams == 0 && content > 0) {
			memcpy(out->params + out->size, head + FCGI_HEADER_LEN,
				content);
			out->size += content;
		}
		streams += content == 0;
	}
	return out->id != 0 && at == size && are_good(out);
}

static bool get_length(const struct request *request, size_t *at, size_t *out)
{
	const uint8_t *bytes = request->params + *at;
	const size_t left = request->size - *at;
	const size_t width = left > 0 && bytes[0] >= 0x80 ? 4 : 1;

	if (left < width)
		return false;
	*out = 0;
	for (size_t i = 0; i < width; i++)
		*out = *out * 256 + bytes[i];
	if (width == 4)
		*out -= 0x80000000;
	*at += width;
	return true;
}

bool stream_param(const struct request *request, size_t *at, struct param *out)
{
	size_t next = *at;

	if (!get_length(request, &next, &out->name_size) ||
		!get_length(request, &next, &out->value_size))
		return false;
	if (out->name_size + out->value_size > request->size - next)
		return false;
	out->name = (const char *)request->params + next;
	out->value = out->name + out->name_size;
	*at = next + out->name_size + out->value_size;
	return true;
}
