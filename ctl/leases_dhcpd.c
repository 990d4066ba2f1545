/* SPDX-License-Identifier: MIT */
/* Reads the lease file of ISC dhcpd: dhcpd.leases(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/lease_dhcpd_host.h"
#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

/*
 * A host that was declared by OMAPI, as Foreman does: a later declaration of
 * the same name replaces it.
 */
struct kept_host {
	struct dhcpd_host host;
	size_t number;
};

struct dhcpd_reader {
	struct lease_sink *sink;
	time_t now;
	unsigned depth; /* blocks that are open */
	bool any;       /* any statement was read: the format is right */

	/* The lease whose block was opened last. */
	bool in_lease, is_active, has_state, is_over;
	time_t started, seen; /* starts, cltt; 0: none */
	char name[WORD_SIZE]; /* client-hostname, as written; empty: none */
	struct lease lease;

	struct dhcpd_host host;
	struct kept_host *hosts;
	size_t count, size;
};

/*
 * Whether a statement may be outside of all blocks, or begins like one if it is
 * cut off. A DHCPv6 file has others.
 */
static bool is_known_statement(const struct words *words, bool is_cut_off)
{
	static const char *const known[] = {"authoring-byte-order", "class",
		"failover", "group", "host", "lease", "server-duid",
		"subclass"};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (words_has(words, 0, known[i]) ||
			(is_cut_off && strncmp(words->text[0], known[i],
					       strlen(words->text[0])) == 0))
			return true;
	}
	return false;
}

/*
 * Reads "ends 0 2026/11/22 13:28:00" (UTC), "ends epoch 1795354080" or "ends
 * never", which is 0. False: something else.
 */
static bool parse_dhcpd_time(const struct words *words, time_t *out)
{
	struct tm tm = {0};
	char text[2 * WORD_SIZE];
	long long seconds;

	*out = 0;
	if (words_has(words, 1, "never"))
		return true;
	if (words->count < 3)
		return false;
	if (words_has(words, 1, "epoch")) {
		const bool is_good = leases_number(words->text[2], &seconds);
		*out = is_good ? seconds : 0;
		return is_good;
	}
	if (words->count < 4)
		return false;
	strcpy(text, words->text[2]);
	strcat(strcat(text, " "), words->text[3]);
	const char *end = strptime(text, "%Y/%m/%d %H:%M:%S", &tm);
	if (end == NULL || *end != '\0')
		return false;
	*out = timegm(&tm);
	return true;
}

static bool begin_dhcpd_lease(struct dhcpd_reader *reader, const char *address)
{
	reader->is_active = reader->has_state = reader->is_over = false;
	reader->started = reader->seen = 0;
	reader->name[0] = '\0';
	reader->lease = (struct lease){.is_followed = true};
	reader->in_lease = address_parse(address, &reader->lease.address);
	reader->depth = 1;
	return reader->in_lease;
}

/* False: the lease has no state, as in a file of OpenBSD's dhcpd. */
static bool end_dhcpd_lease(struct dhcpd_reader *reader)
{
	struct lease *lease = &reader->lease;

	lease->holds = reader->is_active && !reader->is_over;
	lease->order = reader->seen != 0 ? reader->seen : reader->started;
	lease->name = words_unquote(reader->name);
	if (reader->has_state)
		reader->sink->found(lease, reader->sink->context);
	reader->in_lease = false;
	return reader->has_state;
}

static bool read_dhcpd_statement(
	struct dhcpd_reader *reader, const struct words *words)
{
	const char *why;
	time_t ends;

	if (words_has(words, 0, "starts"))
		return parse_dhcpd_time(words, &reader->started);
	if (words_has(words, 0, "cltt"))
		return parse_dhcpd_time(words, &reader->seen);
	if (words_has(words, 0, "ends")) {
		const bool is_good = parse_dhcpd_time(words, &ends);
		reader->is_over = ends != 0 && ends <= reader->now;
		return is_good;
	}
	if (words_has(words, 0, "binding")) {
		reader->has_state = true;
		reader->is_active = words_has(words, 2, "active");
	} else if (words_has(words, 0, "hardware") &&
		   words_has(words, 1, "ethernet") && words->count == 3) {
		mac_parse(words->text[2], &reader->lease.mac, &why);
	} else if (words_has(words, 0, "client-hostname") &&
		   words->count == 2) {
		strcpy(reader->name, words->text[1]);
	}
	return true;
}

/*
 * Whether a block's head ends with a word and a name. A record without an end,
 * and maybe without a newline, may be in front of the word.
 */
static bool ends_with(const struct words *words, const char *word)
{
	if (words->count < 2)
		return false;
	const char *text = words->text[words->count - 2];
	const size_t length = strlen(text), wanted = strlen(word);
	return length >= wanted && strcmp(text + length - wanted, word) == 0;
}

static bool open_block(struct dhcpd_reader *reader, const struct words *words)
{
	const unsigned count = words->count;

	if (ends_with(words, "lease")) {
		reader->host.is_open = false;
		return begin_dhcpd_lease(reader, words->text[count - 1]);
	}
	if (ends_with(words, "host")) {
		reader->in_lease = false;
		reader->depth = 1;
		dhcpd_host_open(&reader->host, words->text[count - 1]);
		return true;
	}
	return reader->depth++ > 0 || is_known_statement(words, false);
}

static bool keep_host(struct dhcpd_reader *reader)
{
	reader->host.is_open = false;
	if (reader->count == reader->size) {
		const size_t size = reader->size == 0 ? 16 : 2 * reader->size;
		struct kept_host *more = reallocarray(
			reader->hosts, size, sizeof *reader->hosts);
		if (more == NULL)
			return false; /* no test: memory is left */
		reader->hosts = more;
		reader->size = size;
	}
	reader->hosts[reader->count] = (struct kept_host){
		.host = reader->host, .number = reader->count};
	reader->count++;
	return true;
}

static bool close_block(struct dhcpd_reader *reader)
{
	if (reader->depth == 0)
		return false;
	reader->depth--;
	if (reader->depth > 0)
		return true;
	if (reader->host.is_open)
		return keep_host(reader);
	return !reader->in_lease || end_dhcpd_lease(reader);
}

static bool read_statement(
	struct dhcpd_reader *reader, const struct words *words)
{
	if (reader->depth == 0)
		return is_known_statement(words, false);
	if (reader->depth > 1)
		return true;
	if (reader->host.is_open)
		return dhcpd_host_read(&reader->host, words);
	return !reader->in_lease || read_dhcpd_statement(reader, words);
}

/* False: not ISC dhcpd's format. */
static bool take_statement(
	struct dhcpd_reader *reader, const struct words *words)
{
	switch (words->end) {
	case EOF:
		return reader->depth > 0 || words->count == 0 ||
		       (reader->any && is_known_statement(words, true));
	case '{':
		return open_block(reader, words);
	case '}':
		return close_block(reader);
	case 0:
		return false;
	default:
		return read_statement(reader, words);
	}
}

static int compare_hosts(const void *a, const void *b)
{
	const struct kept_host *one = a, *other = b;
	const int names = strcmp(one->host.name, other->host.name);

	return names != 0 ? names : one->number < other->number ? -1 : 1;
}

static int report_hosts(struct dhcpd_reader *reader)
{
	int err = 0;

	if (reader->count > 0)
		qsort(reader->hosts, reader->count, sizeof reader->hosts[0],
			compare_hosts);
	for (size_t i = 0; err == 0 && i < reader->count; i++) {
		const struct dhcpd_host *host = &reader->hosts[i].host;
		if (i + 1 == reader->count ||
			strcmp(host->name, reader->hosts[i + 1].host.name) != 0)
			err = dhcpd_host_report(host, reader->sink);
	}
	return err;
}

/*
 * ISC dhcpd appends a record whenever a lease changes; the last one of an
 * address counts. A crash may cut a record off before further ones, so one
 * without an end is left out.
 */
int leases_of_dhcpd(FILE *file, struct lease_sink *sink)
{
	struct dhcpd_reader reader = {.sink = sink, .now = time(NULL)};
	struct words words;
	int err = 0;

	while (err == 0 && words_statement(file, false, &words)) {
		if (!take_statement(&reader, &words))
			err = -EBADMSG;
		reader.any = true;
	}
	if (err == 0)
		err = report_hosts(&reader);
	free(reader.hosts);
	return err;
}
