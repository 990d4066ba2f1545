/* SPDX-License-Identifier: MIT */
/*
 * Reads the lease files of dnsmasq and ISC dhcpd. The kind is found by looking
 * at the file.
 */
#include "ctl/leases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

/* As leases_read(), of ISC dhcpd's format. 0 or -EBADMSG. */
static int dhcpd_leases_read(FILE *file, lease_found *found, void *context)
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

#define DIGITS "0123456789"
/*
 * 2000-01-01: no lease that ends at a time ended before. The dnsmasq of a
 * machine without a clock writes how long a lease is instead.
 */
#define EPOCH_MIN 946684800

/* A hardware type stands before a MAC address when it is needed. */
static void read_mac(const char *text, struct mac *out)
{
	const char *why;

	if (strncmp(text, "01-", 3) == 0 && strchr(text, ':') != NULL)
		text += 3;
	mac_parse(text, out, &why);
}

/* "EXPIRY MAC ADDRESS NAME ID"; an expiry of 0 never comes. False: it is none.
 */
static bool read_line(const struct words *words, time_t now, struct lease *out)
{
	const char *digits = words->text[0];

	if (words->count < 4 || digits[strspn(digits, DIGITS)] != '\0')
		return false;
	errno = 0;
	const long long expiry = strtoll(digits, NULL, 10);
	if (errno != 0 || (expiry != 0 && expiry < EPOCH_MIN))
		return false;
	*out = (struct lease){
		.holds = expiry == 0 || expiry > now, .order = expiry};
	read_mac(words->text[1], &out->mac);
	return address_parse(words->text[2], &out->address);
}

static int read_dnsmasq(FILE *file, lease_found *found, void *context)
{
	const time_t now = time(NULL);
	struct words words;
	struct lease lease;
	bool any = false, any_ipv6 = false;

	while (words_line(file, &words)) {
		const bool is_duid =
			words.count == 2 && strcmp(words.text[0], "duid") == 0;
		if (words.end != 0 && (words.count == 0 || is_duid))
			continue;
		/* It is written at this moment. */
		if (words.end == EOF && words.count < 4 && any)
			break;
		if (words.end == 0 || !read_line(&words, now, &lease))
			return -EBADMSG;
		if (!IN6_IS_ADDR_V4MAPPED(&lease.address.bits)) {
			any_ipv6 = true;
			continue;
		}
		any = true;
		found(&lease, context);
	}
	/* Those of DHCPv6 name no MAC address. */
	return any_ipv6 && !any ? -EBADMSG : 0;
}

/* By its first word, and those of the format go on to check all of it. */
static bool is_dnsmasq(FILE *file)
{
	struct words words;
	bool more;

	do
		more = words_line(file, &words);
	while (more && words.count == 0 && words.end > 0);
	const char *first = words.text[0];
	return words.count > 0 && (strcmp(first, "duid") == 0 ||
					  first[strspn(first, DIGITS)] == '\0');
}

/* NULL with errno: it can't be read. */
static FILE *open_file(const char *path)
{
	struct stat st;
	FILE *file = NULL;
	/* That of a fifo would wait for somebody who writes. */
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	int err = fstat(fd, &st) < 0 ? errno : 0;
	if (err == 0 && !S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
	if (err == 0) {
		file = fdopen(fd, "r");
		err = errno;
	}
	if (file == NULL) {
		close(fd);
		errno = err;
	}
	return file;
}

int leases_read(const char *path, lease_found *found, void *context)
{
	FILE *file = open_file(path);

	if (file == NULL)
		return -errno;
	const bool of_dnsmasq = is_dnsmasq(file);
	int err = fseek(file, 0, SEEK_SET) < 0 ? -errno : 0;
	if (err == 0)
		err = of_dnsmasq ? read_dnsmasq(file, found, context)
		                 : dhcpd_leases_read(file, found, context);
	if (ferror(file))
		err = -EIO;
	fclose(file);
	return err;
}
