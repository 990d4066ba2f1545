/* SPDX-License-Identifier: MIT */
/* Reads dnsmasq's lease file: dnsmasq(8), FILES. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

/*
 * 2000-01-01. Without a clock, dnsmasq writes the length of a lease instead of
 * its end: a smaller number.
 */
#define EPOCH_MIN 946684800

bool leases_dnsmasq_mac(const char *text, struct mac *out)
{
	const char *why;

	if (strncmp(text, "01-", 3) == 0 && strchr(text, ':') != NULL)
		text += 3;
	return mac_parse(text, out, &why);
}

/* Reads "EXPIRY MAC ADDRESS NAME ID"; EXPIRY 0 is never. False: no lease. */
static bool read_dnsmasq_line(
	const struct words *words, time_t now, struct lease *out)
{
	long long expiry;

	if (words->count < 4 || !leases_number(words->text[0], &expiry) ||
		(expiry != 0 && expiry < EPOCH_MIN))
		return false;
	*out = (struct lease){
		.holds = expiry == 0 || expiry > now, .order = expiry};
	leases_dnsmasq_mac(words->text[1], &out->mac);
	/* A last word without what follows it may be cut off. */
	if (words->count > 4 && !words_has(words, 3, "*"))
		out->name = words->text[3];
	return address_parse(words->text[2], &out->address);
}

int leases_of_dnsmasq(FILE *file, struct lease_sink *sink)
{
	const time_t now = time(NULL);
	struct words words;
	struct lease lease;
	bool any = false, any_ipv6 = false;

	while (words_line(file, &words)) {
		const bool is_duid =
			words.count == 2 && words_has(&words, 0, "duid");
		if (words.end != 0 && (words.count == 0 || is_duid))
			continue;
		/* dnsmasq is still writing this line. */
		if (words.end == EOF && words.count < 4 && any)
			break;
		if (words.end == 0 || !read_dnsmasq_line(&words, now, &lease))
			return -EBADMSG;
		if (!IN6_IS_ADDR_V4MAPPED(&lease.address.bits)) {
			any_ipv6 = true;
			continue;
		}
		any = true;
		sink->found(&lease, sink->context);
	}
	/* DHCPv6 leases have no MAC address. */
	return any_ipv6 && !any ? -EBADMSG : 0;
}
