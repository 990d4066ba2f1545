/* SPDX-License-Identifier: MIT */
/* Reads host declarations of ISC dhcpd, statement by statement. */
#include "ctl/lease_dhcpd_host.h"

#include <string.h>
#include <sys/socket.h>

#include "ctl/lease_formats.h"

void dhcpd_host_open(struct dhcpd_host *host, const char *name)
{
	*host = (struct dhcpd_host){.is_open = true};
	strcpy(host->name, name);
}

static bool read_fixed(
	const struct words *words, char out[static DHCPD_FIXED_SIZE])
{
	size_t length = 0;

	out[0] = '\0';
	if (!words->are_all)
		return false;
	for (unsigned i = 1; i < words->count; i++) {
		const size_t more = strlen(words->text[i]);
		if (more + 2 > DHCPD_FIXED_SIZE - length)
			return false;
		if (length > 0)
			out[length++] = ' ';
		strcpy(out + length, words->text[i]);
		length += more;
	}
	return true;
}

bool dhcpd_host_read(struct dhcpd_host *host, const struct words *words)
{
	const char *why;

	if (words_has(words, 0, "hardware")) {
		host->mac = (struct mac){{0}};
		if (words_has(words, 1, "ethernet") && words->count == 3)
			mac_parse(words->text[2], &host->mac, &why);
	} else if (words_has(words, 0, "deleted")) {
		host->is_deleted = true;
	} else if (words->count > 2 && words_has(words, 1, "host-name")) {
		/* option host-name "x"; by OMAPI: supersede host-name = "x" */
		strcpy(host->option, words->text[words->count - 1]);
	} else if (words_has(words, 0, "fixed-address")) {
		return read_fixed(words, host->fixed[0]);
	} else if (words_has(words, 0, "fixed-address6")) {
		return read_fixed(words, host->fixed[1]);
	}
	return true;
}

/* Reports a name for the card, or without one, for the fixed addresses. */
static void report_name(const struct dhcpd_host *host, const char *word,
	unsigned record, struct lease_sink *sink)
{
	char name[WORD_SIZE], fixed[DHCPD_FIXED_SIZE];

	strcpy(name, word);
	const char *unquoted = name[0] == '"' ? words_unquote(name) : name;
	if (mac_is_known(&host->mac)) {
		leases_name(sink, unquoted, &host->mac, 0, NULL);
		return;
	}
	for (int i = 0; i < 2; i++) {
		char *rest = strcpy(fixed, host->fixed[i]), *text;
		while ((text = strsep(&rest, " ")) != NULL)
			leases_name(sink, unquoted, &mac_unknown, record, text);
	}
}

static void report_names(const struct dhcpd_host *host, struct lease_sink *sink)
{
	const unsigned record = ++sink->records;

	report_name(host, host->name, record, sink);
	report_name(host, host->option, record, sink);
}

int dhcpd_host_report(const struct dhcpd_host *host, struct lease_sink *sink)
{
	static const int families[] = {AF_INET, AF_INET6};
	char fixed[DHCPD_FIXED_SIZE];
	int err = 0;

	if (host->is_deleted)
		return 0;
	report_names(host, sink);
	if (!mac_is_known(&host->mac))
		return 0;
	for (int i = 0; i < 2; i++) {
		char *rest = strcpy(fixed, host->fixed[i]), *text;
		while (err == 0 && (text = strsep(&rest, " ")) != NULL) {
			if (text[0] != '\0')
				err = leases_reserve(
					sink, &host->mac, 0, text, families[i]);
		}
	}
	return err;
}
