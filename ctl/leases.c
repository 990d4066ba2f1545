/* SPDX-License-Identifier: MIT */
/*
 * Reads files of DHCP servers: leases, and configurations with reservations.
 * Detects the format where nobody knows it.
 */
#include "ctl/leases.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

#define DIGITS "0123456789"
#define OPTION "abcdefghijklmnopqrstuvwxyz-" DIGITS

bool leases_number(const char *digits, long long *out)
{
	errno = 0;
	const long long value = strtoll(digits, NULL, 10);
	if (digits[0] == '\0' || digits[strspn(digits, DIGITS)] != '\0' ||
		errno != 0)
		return false;
	*out = value;
	return true;
}

bool leases_path(const char *text, char out[static PATH_MAX])
{
	const int length = snprintf(
		out, PATH_MAX, "%s%s", text[0] == '/' ? "" : "/", text);

	return length >= 0 && length < PATH_MAX;
}

static bool is_unspecified(const struct address *address)
{
	static const struct address nowhere[] = {
		{IN6ADDR_ANY_INIT}, {{{{[10] = 0xff, [11] = 0xff}}}}};

	return address_compare(address, &nowhere[0]) == 0 ||
	       address_compare(address, &nowhere[1]) == 0;
}

int leases_reserve(struct lease_sink *sink, const struct mac *mac,
	unsigned record, const char *text, int family)
{
	struct lease lease = {.mac = *mac,
		.holds = true,
		.is_reserved = true,
		.record = record};

	if (!address_parse(text, &lease.address)) {
		if (sink->mac == NULL || !mac_equal(mac, sink->mac))
			return 0;
		return sink->resolve(text, family, sink->context) ? 0
		                                                  : -ECANCELED;
	}
	if (!is_unspecified(&lease.address))
		sink->found(&lease, sink->context);
	return 0;
}

void leases_name(struct lease_sink *sink, const char *name,
	const struct mac *mac, unsigned record, const char *address)
{
	struct lease_host host = {.name = name, .mac = *mac, .record = record};

	if (sink->named == NULL || name == NULL || name[0] == '\0')
		return;
	if (!mac_is_known(mac) &&
		(address == NULL || !address_parse(address, &host.address) ||
			is_unspecified(&host.address)))
		return;
	sink->named(&host, sink->context);
}

FILE *leases_open(const char *path)
{
	struct stat st;
	FILE *file = NULL;
	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	int error = fstat(fd, &st) < 0 ? errno : 0;
	if (error == 0 && !S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
	if (error == 0) {
		file = fdopen(fd, "r");
		error = errno;
	}
	if (file == NULL) {
		close(fd);
		errno = error;
	}
	return file;
}

/* Skips white space, and comments to the end of a line. */
static int skip_comments(FILE *file)
{
	int c;

	while ((c = getc_unlocked(file)) != EOF) {
		if (c == '#' || c == ';') {
			while (c != '\n' && c != EOF)
				c = getc_unlocked(file);
		} else if (!isspace(c)) {
			break;
		}
	}
	return c;
}

/* Whether a MAC address with colons is in front of one of these characters. */
static bool begins_with_mac(const char *text, const char *ends)
{
	char mac[32];
	const char *why;
	const size_t length = strcspn(text, ends);

	if (text[length] == '\0' || length >= sizeof mac)
		return false;
	memcpy(mac, text, length);
	mac[length] = '\0';
	return strchr(mac, ':') != NULL &&
	       (mac_parse(mac, &(struct mac){{0}}, &why) || why != NULL);
}

/* By the first line with content. LEASES_ANY: maybe dhcpd's. */
static enum leases_format format_of_line(const char *text)
{
	const size_t word = strcspn(text, " \t"), option = strspn(text, OPTION);
	const char *behind = text + option + strspn(text + option, " \t");

	if (strchr("{/<", text[0]) != NULL)
		return LEASES_JSON;
	if (text[0] == '[')
		return isalpha((unsigned char)text[1]) ? LEASES_NETWORK
		                                       : LEASES_JSON;
	if (strncmp(text, "address,", 8) == 0)
		return LEASES_KEA;
	if (strspn(text, DIGITS) == word || strncmp(text, "duid ", 5) == 0)
		return LEASES_DNSMASQ;
	if (begins_with_mac(text, ","))
		return LEASES_DNSMASQ_HOSTS;
	if (begins_with_mac(text, " \t"))
		return LEASES_ETHERS;
	if (option > 0 && *behind == '=')
		return LEASES_DNSMASQ_CONF;
	return LEASES_ANY;
}

static bool is_lone_option(const char *text)
{
	return text[strspn(text, OPTION)] == '\0';
}

/* False: there is nothing in it, or an unknown format. */
static bool detect_format(
	FILE *file, enum leases_format *out, bool *has_content)
{
	struct line line = {.is_text = false};
	int c;

	*has_content = false;
	*out = LEASES_ANY;
	/* dnsmasq has options without a value, which others don't. */
	while ((c = skip_comments(file)) != EOF) {
		*has_content = true;
		ungetc(c, file);
		line_read(file, &line);
		if (!line.is_text)
			return false;
		*out = format_of_line(line.text);
		if (*out != LEASES_ANY || !is_lone_option(line.text))
			break;
	}
	if (*out == LEASES_ANY) {
		rewind(file);
		*out = leases_format_of_dhcpd(file);
	}
	return *out != LEASES_ANY;
}

/* As leases_open(), but a file need not be there: NULL with errno of 0. */
static FILE *open_beside(const char *suffix, struct lease_sink *sink)
{
	const size_t length = strlen(sink->path);

	snprintf(sink->path + length, sizeof sink->path - length, "%s", suffix);
	FILE *file = leases_open(sink->path);
	if (file == NULL && errno != ENOENT)
		return NULL;
	sink->path[length] = '\0';
	if (file == NULL)
		errno = 0;
	return file;
}

/*
 * When Kea cleans its lease file up, records move from FILE to FILE.1, then to
 * FILE.completed together with those of FILE.2, and then to FILE.2. Opens the
 * files in this order, so that none is missed meanwhile, and reads the oldest
 * records first.
 */
static int read_kea_files(FILE *file, struct lease_sink *sink)
{
	static const char *const suffixes[] = {".1", ".2", ".completed", ".2"};
	static const int order[] = {1, 3, 0, 2};
	FILE *files[] = {NULL, NULL, NULL, NULL};
	int err = 0;

	for (size_t i = 0; err == 0 && i < 4; i++) {
		if (i == 3 && files[1] != NULL)
			break;
		files[i] = open_beside(suffixes[i], sink);
		if (files[i] == NULL)
			err = -errno;
	}
	for (size_t i = 0; err == 0 && i < 4; i++) {
		if (files[order[i]] != NULL)
			err = leases_of_kea(files[order[i]], sink);
	}
	for (size_t i = 0; i < 4; i++) {
		if (files[i] != NULL)
			fclose(files[i]);
	}
	return err < 0 ? err : leases_of_kea(file, sink);
}

static int read_format(
	FILE *file, enum leases_format format, struct lease_sink *sink)
{
	static int (*const readers[])(FILE *, struct lease_sink *) = {
		[LEASES_DNSMASQ] = leases_of_dnsmasq,
		[LEASES_DNSMASQ_CONF] = leases_of_dnsmasq_conf,
		[LEASES_DNSMASQ_HOSTS] = leases_of_dnsmasq_hosts,
		[LEASES_DHCPD] = leases_of_dhcpd,
		[LEASES_DHCPD_CONF] = leases_of_dhcpd_conf,
		[LEASES_KEA] = read_kea_files,
		[LEASES_JSON] = leases_of_json,
		[LEASES_NETWORK] = leases_of_network,
		[LEASES_ETHERS] = leases_of_ethers,
	};
	bool has_content;

	if (format == LEASES_ANY) {
		if (!detect_format(file, &format, &has_content))
			return has_content ? -EBADMSG : 0;
		rewind(file);
	}
	return readers[format](file, sink);
}

int leases_read(
	const char *path, enum leases_format format, struct lease_sink *sink)
{
	snprintf(sink->path, sizeof sink->path, "%s", path);
	FILE *file = leases_open(path);
	if (file == NULL)
		return -errno;
	int err = read_format(file, format, sink);
	if (ferror(file))
		err = -EIO; /* no test: a disk that fails */
	fclose(file);
	return err;
}

int leases_follow(
	const char *path, enum leases_format format, struct lease_sink *sink)
{
	char full[PATH_MAX], before[PATH_MAX];

	if (sink->depth >= LEASES_DEPTH_MAX)
		return -ELOOP;
	if (!leases_path(path, full))
		return -ENAMETOOLONG; /* no test: words and lines are shorter */
	strcpy(before, sink->path);
	sink->depth++;
	const int err = leases_read(full, format, sink);
	sink->depth--;
	if (err == 0)
		strcpy(sink->path, before);
	return err;
}

/* A directory that is not there has no files. */
static int stop_glob(const char *path, int error)
{
	(void)path;
	errno = error;
	return error != ENOENT && error != ENOTDIR;
}

/* What package managers and editors leave, and servers don't read. */
static bool is_left_over(const char *path)
{
	static const char *const marks[] = {
		".dpkg-", ".ucf-", ".rpmnew", ".rpmorig", ".rpmsave"};
	const size_t length = strlen(path);

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (strstr(path, marks[i]) != NULL)
			return true;
	}
	return length > 0 && path[length - 1] == '~';
}

int leases_read_all(
	const char *pattern, enum leases_format format, struct lease_sink *sink)
{
	glob_t found;
	int err = 0;

	snprintf(sink->path, sizeof sink->path, "%s", pattern);
	switch (glob(pattern, 0, stop_glob, &found)) {
	case 0:
		break;
	case GLOB_NOMATCH:
		return 0;
	default:
		return -errno;
	}
	for (size_t i = 0; err == 0 && i < found.gl_pathc; i++) {
		if (!is_left_over(found.gl_pathv[i]))
			err = leases_read(found.gl_pathv[i], format, sink);
		/* A server may have just removed it. */
		if (err == -EISDIR || err == -ENOENT)
			err = 0;
	}
	globfree(&found);
	return err;
}
