/* SPDX-License-Identifier: MIT */
/*
 * Reads the hosts in a configuration of ISC dhcpd: dhcpd.conf(5). They may be
 * in any block. dhcpd itself keeps no lease for a fixed address.
 */
#include <errno.h>
#include <string.h>

#include "ctl/lease_dhcpd_host.h"
#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

struct conf_reader {
	struct lease_sink *sink;
	unsigned depth; /* blocks that are open */
	unsigned host_depth;
	struct dhcpd_host host;
};

static int read_include(struct conf_reader *reader, struct words *words)
{
	const char *path = words_unquote(words->text[1]);

	return path == NULL
	               ? -EBADMSG
	               : leases_follow(path, LEASES_DHCPD_CONF, reader->sink);
}

static int open_conf_block(
	struct conf_reader *reader, const struct words *words)
{
	reader->depth++;
	if (!reader->host.is_open && words->count == 2 &&
		words_has(words, 0, "host")) {
		dhcpd_host_open(&reader->host, words->text[1]);
		reader->host_depth = reader->depth;
	}
	return 0;
}

static int close_conf_block(struct conf_reader *reader)
{
	int err = 0;

	if (reader->depth == 0)
		return -EBADMSG;
	if (reader->host.is_open && reader->depth == reader->host_depth) {
		err = dhcpd_host_report(&reader->host, reader->sink);
		reader->host.is_open = false;
	}
	reader->depth--;
	return err;
}

static int read_conf_statement(struct conf_reader *reader, struct words *words)
{
	if (words->count == 2 && words_has(words, 0, "include"))
		return read_include(reader, words);
	if (!reader->host.is_open || reader->depth != reader->host_depth)
		return 0;
	return dhcpd_host_read(&reader->host, words) ? 0 : -EBADMSG;
}

int leases_of_dhcpd_conf(FILE *file, struct lease_sink *sink)
{
	struct conf_reader reader = {.sink = sink};
	struct words words;
	int err = 0;

	while (err == 0 && words_statement(file, true, &words)) {
		switch (words.end) {
		case '{':
			err = open_conf_block(&reader, &words);
			break;
		case '}':
			err = close_conf_block(&reader);
			break;
		case ';':
			err = read_conf_statement(&reader, &words);
			break;
		case EOF: /* without its end: it may be cut off */
			break;
		default: /* a control character */
			err = -EBADMSG;
			break;
		}
	}
	return err;
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

/* A class, failover or subclass may be in both. */
static enum leases_format format_of_statement(const char *word)
{
	static const char *const leases[] = {
		"authoring-byte-order", "lease", "server-duid"};
	static const char *const conf[] = {"authoritative", "ddns-update-style",
		"default-lease-time", "group", "host", "include",
		"max-lease-time", "option", "shared-network", "subnet",
		"subnet6"};

	if (is_one_of(word, leases, sizeof leases / sizeof leases[0]))
		return LEASES_DHCPD;
	if (is_one_of(word, conf, sizeof conf / sizeof conf[0]))
		return LEASES_DHCPD_CONF;
	return LEASES_ANY;
}

/*
 * A file of leases may have hosts, but a configuration has no leases. A record
 * of a lease may be cut off in a string.
 */
enum leases_format leases_format_of_dhcpd(FILE *file)
{
	enum leases_format format = LEASES_ANY;
	struct words words;
	unsigned depth = 0;

	while (words_statement(file, false, &words) && words.end != 0) {
		if (depth == 0 && words.count > 0) {
			const enum leases_format found =
				format_of_statement(words.text[0]);
			if (found == LEASES_DHCPD)
				return found;
			if (found != LEASES_ANY)
				format = found;
		}
		if (words.end == '{')
			depth++;
		else if (words.end == '}' && depth > 0)
			depth--;
	}
	return format;
}
