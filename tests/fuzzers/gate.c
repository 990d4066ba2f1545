/* SPDX-License-Identifier: MIT */
/*
 * The gate in front of libfcgi. The input: a type of record and three bytes of
 * length and count for records to be added behind, so that streams become as
 * long as the gate lets them; then what a connection has sent.
 */
#include "fcgi/gate.h"

#include <fastcgi.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "stream.h"

#define CUTS 8 /* beginnings that are looked at, beside those at the end */

/*
 * What the scratch is full of: pairs, so that who reads on behind what was
 * written there does not stop before its end.
 */
#define FILL 1

static unsigned char *scratch;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	scratch = malloc(GATE_SIZE_MAX);
	MUST(scratch != NULL);
	memset(scratch, FILL, GATE_SIZE_MAX);
	return 0;
}

static enum gate check(const uint8_t *bytes, size_t size)
{
	enum gate result = gate_check(bytes, size, scratch);

	MUST(result == GATE_WAIT || result == GATE_PASS ||
		result == GATE_REFUSE);
	return result;
}

/* The next shorter beginning: all of short ones and of the last bytes. */
static size_t cut_shorter(size_t size, size_t end)
{
	const size_t step = size / CUTS + 1;

	if (size <= 128 || size - end < CUTS)
		return end - 1;
	return end > step ? end - step : 0;
}

/*
 * What its beginnings say, from the longest one on: of a refused one all that
 * follows is refused, and none of a whole request passes. The bytes behind
 * each must not be looked at.
 */
static void check_beginnings(const uint8_t *bytes, size_t size, enum gate whole)
{
	enum gate after = whole;

	for (size_t end = size; end > 0;) {
		size_t cut = cut_shorter(size, end);
		__asan_poison_memory_region(bytes + cut, end - cut);
		enum gate result = check(bytes, cut);
		MUST(result == GATE_WAIT || after == GATE_REFUSE);
		after = result;
		end = cut;
	}
	MUST(size == 0 || after == GATE_WAIT);
	__asan_unpoison_memory_region(bytes, size);
}

/* Adds some records of one length, then an empty one. */
static void add_records(
	struct stream *stream, unsigned type, size_t length, unsigned count)
{
	static const uint8_t content[65535];

	while (count-- > 0)
		stream_record(stream, type, content, length);
	stream_record(stream, type, NULL, 0);
}

static uint8_t *read_input(struct input *in, size_t *size)
{
	static struct stream stream;
	const unsigned type = fuzz_byte(in);
	const size_t length = fuzz_byte(in) * 256 + fuzz_byte(in);
	const unsigned count = fuzz_byte(in);

	stream.size = 0;
	if (in->left <= STREAM_MAX) {
		if (in->left > 0)
			memcpy(stream.bytes, in->at, in->left);
		stream.size = in->left;
	}
	if (type != 0)
		add_records(&stream, type, length, count);
	*size = stream.size;
	uint8_t *bytes = malloc(stream.size > 0 ? stream.size : 1);
	MUST(bytes != NULL);
	memcpy(bytes, stream.bytes, stream.size);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request request;
	struct input in = {data, size};
	size_t length;
	uint8_t *bytes = read_input(&in, &length);
	const size_t used = length < GATE_SIZE_MAX ? length : GATE_SIZE_MAX;

	memset(scratch, '=', used);
	const enum gate whole = check(bytes, length);
	memset(scratch, FILL, used);
	MUST(check(bytes, length) == whole);
	MUST((whole == GATE_PASS) ==
		stream_is_request(bytes, length, &request));
	fuzz_tally(whole == GATE_PASS);
	check_beginnings(bytes, length, whole);
	free(bytes);
	return 0;
}
