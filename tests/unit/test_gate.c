/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/gate.h"
#include "tap.h"

static unsigned char scratch[GATE_SIZE_MAX];

/* A growing stream of records. */
static unsigned char stream[2 * GATE_SIZE_MAX];
static size_t length;

static void record(unsigned type, unsigned id, const void *content, size_t size,
	size_t padding)
{
	const unsigned char head[8] = {1, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(size >> 8), (unsigned char)size,
		(unsigned char)padding, 0};

	memcpy(stream + length, head, sizeof head);
	length += sizeof head;
	if (size > 0)
		memcpy(stream + length, content, size);
	length += size;
	memset(stream + length, 0, padding);
	length += padding;
}

static void begin(unsigned role)
{
	const unsigned char body[8] = {0, (unsigned char)role, 1};
	length = 0;
	record(1, 1, body, sizeof body, 0);
}

/* A request with these params, whole. */
static void request(const void *params, size_t size)
{
	begin(1);
	if (size > 0)
		record(4, 1, params, size, 0);
	record(4, 1, NULL, 0, 0);
	record(5, 1, NULL, 0, 0);
}

/*
 * The bytes are copied to where an address sanitizer sees each one that is
 * read beyond the end.
 */
static enum gate check(size_t size)
{
	unsigned char *copy = malloc(size + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, stream, size);
	unsigned char *exact = realloc(copy, size > 0 ? size : 1);
	enum gate result = gate_check(exact, size, scratch);
	free(exact);
	return result;
}

static const struct {
	const char *what, *params;
	size_t size;
	enum gate want;
} params[] = {
	{"no params", "", 0, GATE_PASS},
	{"one", "\1\1ab", 4, GATE_PASS},
	{"two", "\1\1ab\2\0cd", 8, GATE_PASS},
	{"a four-byte length", "\x80\0\0\1\x80\0\0\1ab", 10, GATE_PASS},
	{"a value that is longer than what is left", "\1\2ab", 4, GATE_REFUSE},
	{"a name that is", "\3\0ab", 4, GATE_REFUSE},
	{"lengths that add up to more than the largest number",
		"\xff\xff\xff\xff\xff\xff\xff\xff"
		"ab",
		10, GATE_REFUSE},
	{"a cut-off length", "\x80\0\0", 3, GATE_REFUSE},
	{"a length without its second", "\1", 1, GATE_REFUSE},
	{"bytes behind the last pair", "\1\1abc", 5, GATE_REFUSE},
	{"an empty name", "\0\1b", 3, GATE_REFUSE},
	{"a name with =", "\2\1a=b", 5, GATE_REFUSE},
	{"a value with =", "\1\1a=", 4, GATE_PASS},
	{"a name with NUL", "\2\1a\0b", 5, GATE_REFUSE},
	{"a value with NUL", "\1\2a\0b", 5, GATE_REFUSE},
};

static void test_params(void)
{
	for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
		request(params[i].params, params[i].size);
		tap_ok(check(length) == params[i].want, params[i].what);
	}
	/* One pair over three records, the last one padded. */
	begin(1);
	record(4, 1, "\3", 1, 0);
	record(4, 1, "\3abcd", 5, 0);
	record(4, 1, "ef", 2, 255);
	record(4, 1, NULL, 0, 0);
	record(5, 1, NULL, 0, 0);
	tap_ok(check(length) == GATE_PASS, "a pair over several records");
}

static void test_prefixes(void)
{
	bool waits = true, one_more;

	request("\1\1ab", 4);
	for (size_t size = 0; size < length; size++)
		waits = waits && check(size) == GATE_WAIT;
	tap_ok(waits, "each beginning of a request waits for more");
	stream[length] = 1;
	one_more = check(length + 1) == GATE_REFUSE;
	tap_ok(one_more, "a byte behind the end is refused");
}

static void test_order(void)
{
	static const struct {
		const char *what;
		unsigned type, id;
	} second[] = {
		{"a second BEGIN_REQUEST", 1, 1},
		{"ABORT_REQUEST", 2, 1},
		{"END_REQUEST", 3, 1},
		{"STDIN before PARAMS are closed", 5, 1},
		{"STDOUT", 6, 1},
		{"DATA", 8, 1},
		{"a management record", 9, 0},
		{"an unknown type", 200, 1},
		{"PARAMS of another request", 4, 2},
	};

	for (size_t i = 0; i < sizeof second / sizeof second[0]; i++) {
		begin(1);
		record(second[i].type, second[i].id, "\1\1ab", 4, 0);
		bool whole = check(length) == GATE_REFUSE;
		/* The head is enough to see it. */
		tap_ok(whole && check(length - 4) == GATE_REFUSE,
			second[i].what);
	}

	begin(1);
	size_t next = length;
	record(4, 1, NULL, 0, 0);
	stream[next] = 2;
	tap_ok(check(length) == GATE_REFUSE, "a record of version 2");

	length = 0;
	record(9, 0, NULL, 0, 0);
	tap_ok(check(length) == GATE_REFUSE, "a management record first");
	request("\1\1ab", 4);
	size_t whole = length;
	record(2, 1, NULL, 0, 0);
	tap_ok(check(length) == GATE_REFUSE, "ABORT_REQUEST behind the end");
	length = whole;
	memcpy(stream + whole, stream, whole);
	tap_ok(check(2 * whole) == GATE_REFUSE, "a second request behind it");
}

static void test_begin(void)
{
	for (unsigned role = 0; role < 5; role++) {
		begin(role);
		tap_ok(check(length) == (role == 1 ? GATE_WAIT : GATE_REFUSE),
			"the role");
	}
	begin(1);
	stream[8] = 1; /* the role's high byte */
	tap_ok(check(length) == GATE_REFUSE, "role 257");
	begin(1);
	stream[3] = 0;
	tap_ok(check(length) == GATE_REFUSE, "request id 0");
	begin(1);
	stream[0] = 2;
	tap_ok(check(length) == GATE_REFUSE, "version 2");
	tap_ok(check(1) == GATE_REFUSE, "version 2, by the first byte");
	begin(1);
	stream[5] = 7;
	tap_ok(check(length) == GATE_REFUSE, "a body of 7 bytes");
}

/* libfcgi takes the padding of some records for the next one. */
static void test_padding(void)
{
	static const unsigned char body[8] = {0, 1, 1};

	for (int padded = 0; padded < 3; padded++) {
		length = 0;
		record(1, 1, body, sizeof body, padded == 0 ? 8 : 0);
		record(4, 1, "\1\1ab", 4, 3);
		record(4, 1, NULL, 0, padded == 1 ? 8 : 0);
		record(5, 1, "x", 1, 7);
		record(5, 1, NULL, 0, padded == 2 ? 8 : 0);
		tap_ok(check(length) == GATE_REFUSE, "padding");
	}
}

static void test_size(void)
{
	static const unsigned char zeros[65535];
	/* STDIN that fills the largest request to the last byte. */
	const size_t around = 16 + 8 + 8 + 8;

	begin(1);
	record(4, 1, NULL, 0, 0);
	record(5, 1, zeros, GATE_SIZE_MAX - around, 0);
	record(5, 1, NULL, 0, 0);
	tap_ok(length == GATE_SIZE_MAX && check(length) == GATE_PASS,
		"the largest request");
	tap_ok(check(length - 1) == GATE_WAIT, "all but its last byte");

	begin(1);
	record(4, 1, NULL, 0, 0);
	record(5, 1, zeros, GATE_SIZE_MAX - around + 1, 0);
	record(5, 1, NULL, 0, 0);
	tap_ok(check(length) == GATE_REFUSE, "one byte more");
	tap_ok(check(GATE_SIZE_MAX) == GATE_REFUSE, "what has come of it");
}

int main(void)
{
	test_params();
	test_prefixes();
	test_order();
	test_begin();
	test_padding();
	test_size();
	return tap_end();
}
