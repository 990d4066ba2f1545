/* SPDX-License-Identifier: MIT */
/*
 * ISC dhcpd adds a record to its file whenever a lease changes, so that the
 * last one of an address counts. A crash may cut the last one off, and more
 * follow behind it: what has no end is left out.
 */
#include "ctl/dhcpd_leases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/words.h"

struct reading {
	lease_found *found;
	void *context;
	time_t now;
	unsigned depth; /* blocks that are open */
	bool any;       /* a statement was read: it is such a file */

	/* The lease whose block is open. */
	bool in_lease, is_active, has_state, is_over;
	time_t started, seen; /* starts and cltt; 0: none */
	struct lease lease;
};

static bool is(const struct words *words, unsigned at, const char *text)
{
	return at < words->count && strcmp(words->text[at], text) == 0;
}

/*
 * What may stand outside of all blocks, or what it begins like if it is cut
 * off. DHCPv6 has others.
 */
static bool is_known(const struct words *words, bool is_cut_off)
{
	static const char *const known[] = {"authoring-byte-order", "class",
		"failover", "group", "host", "lease", "server-duid",
		"subclass"};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (is(words, 0, known[i]) ||
			(is_cut_off && strncmp(words->text[0], known[i],
					       strlen(words->text[0])) == 0))
			return true;
	}
	return false;
}

static bool read_seconds(const char *digits, time_t *out)
{
	errno = 0;
	const long long seconds = strtoll(digits, NULL, 10);
	if (digits[strspn(digits, "0123456789")] != '\0' || errno != 0)
		return false;
	*out = seconds;
	return true;
}

/*
 * "ends 0 2026/11/22 13:28:00", in UTC; "ends epoch 1795354080"; or never,
 * which is 0. False: it is none of these.
 */
static bool read_time(const struct words *words, time_t *out)
{
	struct tm tm = {0};
	char text[2 * WORD_SIZE];

	*out = 0;
	if (is(words, 1, "never"))
		return true;
	if (words->count < 3)
		return false;
	if (is(words, 1, "epoch"))
		return read_seconds(words->text[2], out);
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

static bool begin_lease(struct reading *reading, const char *address)
{
	reading->is_active = reading->has_state = reading->is_over = false;
	reading->started = reading->seen = 0;
	reading->lease = (struct lease){.is_followed = true};
	reading->in_lease = address_parse(address, &reading->lease.address);
	reading->depth = 1;
	return reading->in_lease;
}

/* False: no state, as with OpenBSD's dhcpd, whose leases end otherwise. */
static bool end_lease(struct reading *reading)
{
	struct lease *lease = &reading->lease;

	lease->holds = reading->is_active && !reading->is_over;
	lease->order = reading->seen != 0 ? reading->seen : reading->started;
	if (reading->has_state)
		reading->found(lease, reading->context);
	reading->in_lease = false;
	return reading->has_state;
}

static bool read_statement(struct reading *reading, const struct words *words)
{
	const char *why;
	time_t ends;

	if (is(words, 0, "starts"))
		return read_time(words, &reading->started);
	if (is(words, 0, "cltt"))
		return read_time(words, &reading->seen);
	if (is(words, 0, "ends")) {
		const bool is_good = read_time(words, &ends);
		reading->is_over = ends != 0 && ends <= reading->now;
		return is_good;
	}
	if (is(words, 0, "binding")) {
		reading->has_state = true;
		reading->is_active = is(words, 2, "active");
	} else if (is(words, 0, "hardware") && is(words, 1, "ethernet") &&
		   words->count == 3) {
		mac_parse(words->text[2], &reading->lease.mac, &why);
	}
	return true;
}

/* "lease ADDRESS {" begins one even within another, which has no end then. */
static bool open_block(struct reading *reading, const struct words *words)
{
	const unsigned count = words->count;

	if (count >= 2 && is(words, count - 2, "lease"))
		return begin_lease(reading, words->text[count - 1]);
	return reading->depth++ > 0 || is_known(words, false);
}

static bool close_block(struct reading *reading)
{
	if (reading->depth == 0)
		return false;
	reading->depth--;
	return reading->depth > 0 || !reading->in_lease || end_lease(reading);
}

/* False: this format has none such. */
static bool take(struct reading *reading, const struct words *words)
{
	switch (words->end) {
	case EOF:
		return reading->depth > 0 || words->count == 0 ||
		       (reading->any && is_known(words, true));
	case '{':
		return open_block(reading, words);
	case '}':
		return close_block(reading);
	case 0:
		return false;
	default:
		if (reading->depth == 0)
			return is_known(words, false);
		return reading->depth > 1 || !reading->in_lease ||
		       read_statement(reading, words);
	}
}

int dhcpd_leases_read(FILE *file, lease_found *found, void *context)
{
	struct reading reading = {
		.found = found, .context = context, .now = time(NULL)};
	struct words words;

	while (words_statement(file, &words)) {
		if (!take(&reading, &words))
			return -EBADMSG;
		reading.any = true;
	}
	return 0;
}
