/* SPDX-License-Identifier: MIT */
/*
 * Reads the reservations in a configuration of dnsmasq, and in the files that
 * it names: dhcp-host= in dnsmasq(8).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

#define MACS_MAX 32
#define ADDRESSES_MAX 32
#define SUFFIXES_MAX 16

/* dhcp-host: cards of one machine, and its addresses. */
struct dhcp_host {
	struct mac macs[MACS_MAX];
	const char *addresses[ADDRESSES_MAX];
	unsigned mac_count, address_count;
	const char *name; /* NULL: none */
	bool is_ignored;
};

/*
 * Reads "[2001:db8::7]". Without a network part, or with the length of a
 * prefix, it is no address of one machine.
 */
static const char *read_ipv6(char *field)
{
	struct address address;
	const size_t length = strlen(field);

	if (field[length - 1] != ']')
		return NULL;
	field[length - 1] = '\0';
	if (!address_parse(field + 1, &address) ||
		memcmp(&address.bits, &in6addr_any, 8) == 0)
		return NULL;
	return field + 1;
}

/* Whether a field is the length of a lease: 45m, 3600, infinite. */
static bool is_time(const char *field)
{
	const size_t digits = strspn(field, "0123456789");

	return strcmp(field, "infinite") == 0 ||
	       (digits > 0 && (field[digits] == '\0' ||
				      (field[digits + 1] == '\0' &&
					      strchr("smhdwSMHDW",
						      field[digits]) != NULL)));
}

/* False: more fields than there is room for. */
static bool read_field(char *field, struct dhcp_host *host)
{
	static const char *const marks[] = {
		"id:", "ID:", "net:", "set:", "tag:"};
	struct address address;
	const char *ipv6;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (strncmp(field, marks[i], strlen(marks[i])) == 0)
			return true;
	}
	if (strcmp(field, "ignore") == 0)
		host->is_ignored = true;
	if (host->mac_count == MACS_MAX || host->address_count == ADDRESSES_MAX)
		return false;
	if (field[0] == '[') {
		ipv6 = read_ipv6(field);
		if (ipv6 != NULL)
			host->addresses[host->address_count++] = ipv6;
	} else if (strchr(field, ':') != NULL) {
		/* With a wildcard, it is no MAC address of one card. */
		host->mac_count +=
			leases_dnsmasq_mac(field, &host->macs[host->mac_count]);
	} else if (strchr(field, '.') != NULL &&
		   address_parse(field, &address)) {
		host->addresses[host->address_count++] = field;
	} else if (!host->is_ignored && !is_time(field)) {
		host->name = field;
	}
	return true;
}

static void report_name(
	const struct dhcp_host *host, unsigned record, struct lease_sink *sink)
{
	for (unsigned i = 0; i < host->mac_count; i++)
		leases_name(sink, host->name, &host->macs[i], record, NULL);
	for (unsigned i = 0; host->mac_count == 0 && i < host->address_count;
		i++)
		leases_name(sink, host->name, &mac_unknown, record,
			host->addresses[i]);
}

static int report_host(const struct dhcp_host *host, struct lease_sink *sink)
{
	int err = 0;

	if (host->is_ignored)
		return 0;
	const unsigned record = host->mac_count != 1 ? ++sink->records : 0;
	report_name(host, record, sink);
	for (unsigned i = 0; i < host->mac_count; i++) {
		for (unsigned j = 0; err == 0 && j < host->address_count; j++)
			err = leases_reserve(sink, &host->macs[i], record,
				host->addresses[j], AF_INET);
	}
	return err;
}

/* Reads what is behind "dhcp-host=". */
static int read_dhcp_host(char *text, struct lease_sink *sink)
{
	struct dhcp_host host = {.mac_count = 0};

	for (char *field; (field = strsep(&text, ",")) != NULL;) {
		field = line_trim(field);
		if (field[0] != '\0' && !read_field(field, &host))
			return -EBADMSG;
	}
	return report_host(&host, sink);
}

/* Removes quotes, and a comment: # behind a blank or at the beginning. */
static void strip_line(char *text)
{
	char *out = text;
	bool is_quoted = false;

	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (*at == '#' && !is_quoted &&
			(at == text || isspace((unsigned char)at[-1])))
			break;
		*out++ = *at;
	}
	*out = '\0';
}

/* Takes a comment of any length. A last line may be cut off: it is left out. */
static int next_line(FILE *file, struct line *line)
{
	while (line_read(file, line)) {
		if (!line->is_text)
			return -EBADMSG;
		if (line->text[0] == '#' || !line->is_whole)
			continue;
		if (!line->fits)
			return -EBADMSG;
		strip_line(line->text);
		if (line->text[0] != '\0')
			return 1;
	}
	return 0;
}

int leases_of_dnsmasq_hosts(FILE *file, struct lease_sink *sink)
{
	struct line line;
	int more, err = 0;

	while (err == 0 && (more = next_line(file, &line)) != 0)
		err = more < 0 ? more : read_dhcp_host(line.text, sink);
	return err;
}

static bool ends_in(const char *name, const char *suffix)
{
	const size_t length = strlen(name), wanted = strlen(suffix);

	return length >= wanted && strcmp(name + length - wanted, suffix) == 0;
}

/*
 * conf-dir=DIRECTORY,.new,*.conf: leaves out names with the first ending; if
 * there are endings behind *, takes only names with one of those.
 */
static bool is_taken(const char *name, char *const *suffixes, unsigned count)
{
	bool any = false, is_wanted = false;

	for (unsigned i = 0; i < count; i++) {
		if (suffixes[i][0] != '*') {
			if (ends_in(name, suffixes[i]))
				return false;
		} else if (suffixes[i][1] != '\0') {
			any = true;
			is_wanted = is_wanted || ends_in(name, suffixes[i] + 1);
		}
	}
	const size_t length = strlen(name);
	return (!any || is_wanted) && name[0] != '.' &&
	       name[length - 1] != '~' &&
	       !(name[0] == '#' && name[length - 1] == '#');
}

/* Returns 0 or -errno. A directory in it is left out. */
static int follow_named(const char *directory, const char *name,
	enum leases_format format, struct lease_sink *sink)
{
	char path[PATH_MAX];
	const int length =
		snprintf(path, sizeof path, "%s/%s", directory, name);

	if (length < 0 || (size_t)length >= sizeof path)
		return -ENAMETOOLONG; /* no test: a name in a directory */
	const int err = leases_follow(path, format, sink);
	return err == -EISDIR ? 0 : err;
}

static int follow_directory(
	char *text, enum leases_format format, struct lease_sink *sink)
{
	char *suffixes[SUFFIXES_MAX] = {NULL}, directory[PATH_MAX];
	unsigned count = 0;
	struct dirent **names;
	int err = 0;

	if (!leases_path(line_trim(strsep(&text, ",")), directory))
		return -ENAMETOOLONG; /* no test: a line is shorter */
	while (text != NULL && count < SUFFIXES_MAX)
		suffixes[count++] = line_trim(strsep(&text, ","));
	if (sink->depth >= LEASES_DEPTH_MAX)
		return -ELOOP;
	strcpy(sink->path, directory);
	const int found = scandir(directory, &names, NULL, alphasort);
	if (found < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < found; i++) {
		if (err == 0 && is_taken(names[i]->d_name, suffixes, count))
			err = follow_named(
				directory, names[i]->d_name, format, sink);
		free(names[i]);
	}
	free(names);
	return err;
}

/* The file need not be there, or is a directory. */
static int follow_hosts(char *path, struct lease_sink *sink)
{
	const int err = leases_follow(path, LEASES_DNSMASQ_HOSTS, sink);

	return err == -ENOENT ? 0
	       : err == -EISDIR
	               ? follow_directory(path, LEASES_DNSMASQ_HOSTS, sink)
	               : err;
}

static int follow_ethers(struct lease_sink *sink)
{
	const int err = leases_follow("/etc/ethers", LEASES_ETHERS, sink);

	return err == -ENOENT ? 0 : err;
}

static int read_option(char *name, char *value, struct lease_sink *sink)
{
	if (strcmp(name, "read-ethers") == 0)
		return follow_ethers(sink);
	if (value == NULL)
		return 0;
	value = line_trim(value);
	if (value[0] == '\0')
		return 0;
	if (strcmp(name, "dhcp-host") == 0)
		return read_dhcp_host(value, sink);
	if (strcmp(name, "conf-file") == 0)
		return leases_follow(value, LEASES_DNSMASQ_CONF, sink);
	if (strcmp(name, "conf-dir") == 0)
		return follow_directory(value, LEASES_DNSMASQ_CONF, sink);
	if (strcmp(name, "dhcp-hostsfile") == 0 ||
		strcmp(name, "dhcp-hostsdir") == 0)
		return follow_hosts(value, sink);
	return 0;
}

int leases_of_dnsmasq_conf(FILE *file, struct lease_sink *sink)
{
	struct line line;
	int more, err = 0;

	while (err == 0 && (more = next_line(file, &line)) != 0) {
		if (more < 0)
			return more;
		char *value = line.text;
		char *name = line_trim(strsep(&value, "="));
		err = read_option(name, value, sink);
	}
	return err;
}
