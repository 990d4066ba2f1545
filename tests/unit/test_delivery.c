/* SPDX-License-Identifier: MIT */
/* Answers of all sizes, through sockets that take very little. */
#include "fcgi/delivery.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch.h"
#include "tap.h"

#define HEADER_SIZE 8
#define TOTAL_MAX 100000
#define REQUEST 0x1234

/* What all answers are taken from: no two places look alike for long. */
static unsigned char content[TOTAL_MAX];
static int file; /* the same */

/* What a peer has got: records are taken apart as they come. */
struct peer {
	int fd;
	unsigned char head[HEADER_SIZE];
	size_t head_size;
	size_t left;       /* of the record under way */
	size_t size;       /* of the content of STDOUT */
	size_t end_size;   /* of the body of END_REQUEST */
	bool stdout_ended; /* by an empty record */
	bool is_wrong;
	unsigned char got[TOTAL_MAX];
};

/* For the next answer. */
static void forget(struct peer *peer)
{
	peer->size = peer->end_size = 0;
	peer->stdout_ended = false;
}

static unsigned type_of(const struct peer *peer)
{
	return peer->head[1];
}

static void take_header(struct peer *peer)
{
	const unsigned char *head = peer->head;

	peer->left = (size_t)head[4] << 8 | head[5];
	if (head[0] != FCGI_VERSION_1 || head[2] << 8 != (REQUEST & 0xff00) ||
		head[3] != (REQUEST & 0xff) || head[6] != 0)
		peer->is_wrong = true;
	if (type_of(peer) == FCGI_STDOUT)
		peer->stdout_ended = peer->left == 0;
	else if (type_of(peer) != FCGI_END_REQUEST || !peer->stdout_ended)
		peer->is_wrong = true;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void take_content(
	struct peer *peer, const unsigned char *bytes, size_t size)
{
	static const unsigned char zeros[8];

	peer->left -= size;
	if (type_of(peer) == FCGI_END_REQUEST) {
		peer->end_size += size;
		if (peer->end_size > sizeof zeros ||
			memcmp(bytes, zeros, size) != 0)
			peer->is_wrong = true;
	} else if (peer->size + size <= TOTAL_MAX) {
		memcpy(peer->got + peer->size, bytes, size);
		peer->size += size;
	}
}

/* Takes a header, or content, or parts of these. How many bytes it took. */
static size_t take(struct peer *peer, const unsigned char *bytes, size_t size)
{
	size_t n;

	if (peer->head_size < HEADER_SIZE) {
		n = smaller(size, HEADER_SIZE - peer->head_size);
		memcpy(peer->head + peer->head_size, bytes, n);
		peer->head_size += n;
		if (peer->head_size == HEADER_SIZE)
			take_header(peer);
	} else {
		n = smaller(size, peer->left);
		take_content(peer, bytes, n);
	}
	if (peer->head_size == HEADER_SIZE && peer->left == 0)
		peer->head_size = 0;
	return n;
}

/* Reads up to size bytes. How many came. */
static size_t read_some(struct peer *peer, size_t size)
{
	unsigned char bytes[65536];
	const ssize_t n = recv(
		peer->fd, bytes, smaller(size, sizeof bytes), MSG_DONTWAIT);

	for (ssize_t at = 0; at < n;)
		at += (ssize_t)take(peer, bytes + at, (size_t)(n - at));
	return n > 0 ? (size_t)n : 0;
}

/* Whether the peer has the whole answer, and nothing else. */
static bool has_all(const struct peer *peer, size_t size)
{
	return !peer->is_wrong && peer->size == size &&
	       memcmp(peer->got, content, size) == 0 && peer->stdout_ended &&
	       peer->end_size == 8 && peer->head_size == 0;
}

/* An answer of that size, so many bytes of it in memory. */
static void begin(size_t size, size_t in_memory, struct delivery *out)
{
	static unsigned char first[DELIVERY_FIRST_MAX];
	const struct answer answer = {
		.bytes = (const char *)content,
		.size = in_memory,
		.file = size > in_memory ? file : -1,
		.next = size > in_memory ? (off_t)in_memory : 0,
		.end = size > in_memory ? (off_t)size : 0,
	};

	memset(first, 0xa5, sizeof first);
	delivery_begin(REQUEST, &answer, first, out);
}

static void connect_peer(int type, int buffer, int *fd, struct peer *out)
{
	int pair[2];

	if (socketpair(AF_UNIX, type, 0, pair) < 0)
		stop("socketpair");
	if (buffer > 0 && setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &buffer,
				  sizeof buffer) < 0)
		stop("SO_SNDBUF");
	*fd = pair[0];
	memset(out, 0, offsetof(struct peer, got));
	out->fd = pair[1];
}

static void disconnect(int fd, struct peer *peer)
{
	close(fd);
	if (peer->fd >= 0)
		close(peer->fd);
}

/* Sends one to a peer that reads in such steps. Whether all was right. */
static bool send_in_steps(
	int fd, struct peer *peer, size_t size, size_t in_memory, size_t step)
{
	struct delivery delivery;
	enum delivery_state state;
	bool good = true;

	forget(peer);
	begin(size, in_memory, &delivery);
	do {
		state = delivery_continue(&delivery, fd);
		/* What is missing is just what is not on its way. */
		while (state == DELIVERY_WAITS && read_some(peer, step) > 0)
			;
		const long long undelivered = delivery_undelivered(&delivery);
		if (state == DELIVERY_WAITS)
			good = good &&
			       undelivered == (long long)(size - peer->size);
	} while (good && state == DELIVERY_WAITS);
	while (read_some(peer, step) > 0)
		;
	good = good && state == DELIVERY_ENDED &&
	       delivery_undelivered(&delivery) == 0 && has_all(peer, size);
	return good;
}

/* Each size meets the boundaries of writes at another place: every 2 kB. */
static void test_sizes(void)
{
	static const size_t steps[] = {7, 8, 9, 1000, 4095, 65536};
	static struct peer peer;
	size_t wrong = 0;
	int fd;

	connect_peer(SOCK_STREAM, 1, &fd, &peer); /* as small as it gets */
	for (size_t size = 1; size <= 20000; size += size < 9000 ? 1 : 7)
		wrong += !send_in_steps(fd, &peer, size,
			smaller(size, ANSWER_BYTES_MAX), steps[size % 6]);
	tap_ok(wrong == 0, "sizes up to 20,000, to a peer that reads in steps");

	wrong = 0;
	for (size_t in_memory = 1; in_memory <= ANSWER_BYTES_MAX;
		in_memory += in_memory < 5000 ? 1 : 97)
		wrong += !send_in_steps(fd, &peer,
			in_memory + 1 + in_memory * 5 % 60000, in_memory, 4096);
	tap_ok(wrong == 0, "with the rest in a file");
	disconnect(fd, &peer);
}

/*
 * A sequenced socket keeps each write apart. The last bytes of content and the
 * end must be in one, since a peer may close once it has the content.
 */
static void test_one_write(void)
{
	static unsigned char bytes[65536];
	static struct peer peer;
	struct delivery delivery;
	size_t split = 0, several = 0, tail = 8 + 16;
	int fd;

	connect_peer(SOCK_SEQPACKET, 0, &fd, &peer);
	for (size_t size = 1; size <= TOTAL_MAX;
		size += size < 20000 ? 1 : 61) {
		const size_t in_memory = smaller(size, ANSWER_BYTES_MAX);
		size_t writes = 0;
		ssize_t last = 0, n;
		begin(size, in_memory, &delivery);
		if (delivery_continue(&delivery, fd) != DELIVERY_ENDED)
			stop("delivery_continue");
		while ((n = recv(peer.fd, bytes, sizeof bytes, MSG_DONTWAIT)) >
			0) {
			last = n;
			writes++;
		}
		split += last <= (ssize_t)(HEADER_SIZE + tail);
		several += in_memory == size && writes != 1;
	}
	disconnect(fd, &peer);
	tap_ok(split == 0, "content and end are in one write");
	tap_ok(several == 0, "a small answer is one write");
}

/* The peer closes when it has read so many bytes of records. */
static bool close_after(size_t size, size_t reads)
{
	static struct peer peer;
	struct delivery delivery;
	enum delivery_state state;
	int fd;

	connect_peer(SOCK_STREAM, 1, &fd, &peer);
	begin(size, smaller(size, ANSWER_BYTES_MAX), &delivery);
	while (reads > 0) {
		const size_t n = read_some(&peer, reads);
		reads -= n;
		/* All that there is may be out. */
		if (n == 0 &&
			delivery_continue(&delivery, fd) != DELIVERY_WAITS)
			reads -= read_some(&peer, reads);
	}
	close(peer.fd);
	peer.fd = -1;
	state = delivery_continue(&delivery, fd);
	const long long undelivered = delivery_undelivered(&delivery);
	/* What it has read can't be undelivered; nor can it be more than all.
	 */
	const bool good =
		undelivered <= (long long)(size - peer.size) &&
		(state == DELIVERY_ENDED ? undelivered == 0
					 : state == DELIVERY_BROKEN) &&
		(peer.size < size || undelivered == 0);
	disconnect(fd, &peer);
	return good;
}

static void test_closing_peers(void)
{
	size_t wrong = 0;

	for (size_t reads = 0; reads < 20000 + 2 * HEADER_SIZE; reads += 13)
		wrong += !close_after(20000, reads);
	tap_ok(wrong == 0, "a peer closes in the middle, or with all content");
	wrong = 0;
	for (size_t size = 8000; size < 8200; size++)
		wrong += !close_after(size, HEADER_SIZE + size);
	tap_ok(wrong == 0, "a peer closes at the last byte of content");
}

static void test_bad_files(void)
{
	static struct peer peer;
	struct delivery delivery;
	int fd;

	connect_peer(SOCK_STREAM, 0, &fd, &peer);
	begin(50000, 1000, &delivery);
	if (ftruncate(file, 30000) < 0)
		stop("ftruncate");
	const enum delivery_state state = delivery_continue(&delivery, fd);
	while (read_some(&peer, sizeof peer.got) > 0)
		;
	tap_ok(state == DELIVERY_BROKEN && peer.end_size == 0 &&
			delivery_undelivered(&delivery) ==
				(long long)(50000 - peer.size) &&
			peer.size < 30000,
		"a file that becomes shorter has no end");
	disconnect(fd, &peer);
}

int main(void)
{
	char directory[PATH_MAX];

	scratch_enter(directory, sizeof directory);
	for (size_t i = 0; i < TOTAL_MAX; i++)
		content[i] = (unsigned char)(i * 2654435761u >> 13);
	FILE *out = fopen("file", "w+");
	if (out == NULL || fwrite(content, 1, TOTAL_MAX, out) != TOTAL_MAX ||
		fflush(out) != 0)
		stop("file");
	file = fileno(out);
	test_sizes();
	test_one_write();
	test_closing_peers();
	test_bad_files();
	fclose(out);
	unlink("file");
	rmdir(directory);
	return tap_end();
}
