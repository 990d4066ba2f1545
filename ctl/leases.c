/* SPDX-License-Identifier: MIT */
#include "ctl/leases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/dhcpd_leases.h"
#include "ctl/words.h"

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
