/* SPDX-License-Identifier: MIT */
#include "leases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "line.h"

#define WORDS_MAX 8
#define BLANKS " \t\r\n;"

/* Leases of one machine: more than any has that boots. */
#define HELD_MAX 64
/* "2026/11/22 13:28:00" */
#define TIME_SIZE 32

struct search {
	const struct mac *mac;
	mac_found *found;
	void *context;

	/* dhcpd: the lease whose lines are read, and those that the machine
	 * has. */
	bool in_lease, is_active, is_of_mac, is_over;
	struct address lease;
	struct address held[HELD_MAX];
	unsigned held_count;
};

static unsigned split(char *line, char *words[static WORDS_MAX])
{
	unsigned count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, BLANKS, &rest);
		word != NULL && count < WORDS_MAX;
		word = strtok_r(NULL, BLANKS, &rest))
		words[count++] = word;
	return count;
}

static bool is_mac(const char *text, const struct mac *mac)
{
	struct mac other;
	const char *why;

	return mac_parse(text, &other, &why) &&
	       memcmp(other.bytes, mac->bytes, sizeof mac->bytes) == 0;
}

/* "EXPIRY MAC ADDRESS NAME ID"; an expiry of 0 never comes. */
static void read_dnsmasq(const struct search *search, char *const words[])
{
	struct address address;
	char *end;
	const long long expiry = strtoll(words[0], &end, 10);

	if (*end == '\0' && (expiry == 0 || expiry > time(NULL)) &&
		is_mac(words[1], search->mac) &&
		address_parse(words[2], &address))
		search->found(&address, search->context);
}

/* "ends 0 2026/11/22 13:28:00", in UTC; "ends epoch 1795354080"; "ends never"
 */
static bool is_past(char *const words[], unsigned count)
{
	const time_t now = time(NULL);
	char text[TIME_SIZE], date[TIME_SIZE];
	struct tm tm;

	if (count >= 3 && strcmp(words[1], "epoch") == 0)
		return strtoll(words[2], NULL, 10) <= now;
	if (count < 4)
		return false;
	strftime(date, sizeof date, "%Y/%m/%d %H:%M:%S", gmtime_r(&now, &tm));
	snprintf(text, sizeof text, "%s %s", words[2], words[3]);
	return strcmp(text, date) <= 0;
}

/* A lease that is written again, further down, holds instead of the former. */
static void end_lease(struct search *search)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < search->held_count; i++) {
		if (address_compare(&search->held[i], &search->lease) != 0)
			search->held[kept++] = search->held[i];
	}
	search->held_count = kept;
	if (search->is_of_mac && search->is_active && !search->is_over &&
		kept < HELD_MAX)
		search->held[search->held_count++] = search->lease;
}

static void read_dhcpd(
	struct search *search, char *const words[], unsigned count)
{
	if (count >= 3 && strcmp(words[0], "lease") == 0) {
		search->is_active = search->is_of_mac = search->is_over = false;
		search->in_lease = address_parse(words[1], &search->lease);
	} else if (count >= 3 && strcmp(words[0], "hardware") == 0) {
		search->is_of_mac = is_mac(words[2], search->mac);
	} else if (count >= 3 && strcmp(words[0], "binding") == 0) {
		search->is_active = strcmp(words[2], "active") == 0;
	} else if (strcmp(words[0], "ends") == 0) {
		search->is_over = is_past(words, count);
	} else if (strcmp(words[0], "}") == 0) {
		if (search->in_lease)
			end_lease(search);
		search->in_lease = false;
	}
}

int leases_find(const char *path, const struct mac *mac, mac_found *found,
	void *context)
{
	struct search search = {.mac = mac, .found = found, .context = context};
	static char text[LINE_SIZE];
	char *words[WORDS_MAX];
	enum line line;

	FILE *file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	while ((line = line_read(file, text)) != LINE_END) {
		if (line != LINE_TEXT)
			continue; /* no DHCP server wrote it */
		const unsigned count = split(text, words);
		if (count >= 4 && words[0][0] >= '0' && words[0][0] <= '9')
			read_dnsmasq(&search, words);
		else if (count >= 1)
			read_dhcpd(&search, words, count);
	}
	const int err = ferror(file) ? -EIO : 0;
	fclose(file);
	for (unsigned i = 0; err == 0 && i < search.held_count; i++)
		found(&search.held[i], context);
	return err;
}
