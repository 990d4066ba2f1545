/* SPDX-License-Identifier: MIT */
/*
 * Reads [DHCPServerStaticLease] in files of systemd-networkd:
 * systemd.network(5).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

#define ADDRESS_SIZE 64

struct network_reader {
	struct lease_sink *sink;
	bool is_known; /* has a section that such a file has */
	bool in_lease;
	char mac[ADDRESS_SIZE], address[ADDRESS_SIZE]; /* empty: none */
};

static int end_section(struct network_reader *reader)
{
	struct mac mac;
	const char *why;

	if (!reader->in_lease || reader->address[0] == '\0' ||
		!mac_parse(reader->mac, &mac, &why))
		return 0;
	return leases_reserve(reader->sink, &mac, 0, reader->address, AF_INET);
}

static int begin_section(struct network_reader *reader, const char *name)
{
	static const char *const known[] = {"[Match]", "[Link]", "[Network]",
		"[Address]", "[DHCPServer]", "[DHCPServerStaticLease]"};
	const int err = end_section(reader);

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		reader->is_known |= strcmp(name, known[i]) == 0;
	reader->in_lease = strcmp(name, "[DHCPServerStaticLease]") == 0;
	reader->mac[0] = reader->address[0] = '\0';
	return err;
}

/* A value that is too long is neither. */
static void read_value(struct network_reader *reader, char *line)
{
	char *value = line;
	const char *name = line_trim(strsep(&value, "="));
	char *into = strcmp(name, "MACAddress") == 0 ? reader->mac
	             : strcmp(name, "Address") == 0  ? reader->address
	                                             : NULL;

	if (value == NULL || into == NULL)
		return;
	value = line_trim(value);
	const size_t length = strlen(value);
	memcpy(into, value, length < ADDRESS_SIZE ? length + 1 : 0);
	if (length >= ADDRESS_SIZE)
		into[0] = '\0';
}

int leases_of_network(FILE *file, struct lease_sink *sink)
{
	struct network_reader reader = {.sink = sink};
	struct line line;
	int err = 0;
	bool any = false;

	while (err == 0 && line_read(file, &line)) {
		if (!line.is_text)
			return -EBADMSG;
		/* A last line without its newline may be cut off. */
		if (!line.is_whole || line.text[0] == '#' ||
			line.text[0] == ';' || line.text[0] == '\0')
			continue;
		any = true;
		if (!line.fits)
			return -EBADMSG;
		if (line.text[0] == '[')
			err = begin_section(&reader, line.text);
		else
			read_value(&reader, line.text);
	}
	if (err == 0)
		err = end_section(&reader);
	return err == 0 && any && !reader.is_known ? -EBADMSG : err;
}
