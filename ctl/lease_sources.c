/* SPDX-License-Identifier: MIT */
/* Knows where the files of DHCP servers are, and reads them all. */
#include "ctl/lease_sources.h"

#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Where Debian and Fedora have the files of DHCP servers. */
static const struct source {
	const char *path; /* or a pattern of glob(7) */
	enum leases_format format;
} sources[] = {
	{"/var/lib/misc/dnsmasq.leases", LEASES_DNSMASQ},
	{"/var/lib/dnsmasq/dnsmasq.leases", LEASES_DNSMASQ},
	{"/etc/dnsmasq.conf", LEASES_DNSMASQ_CONF},
	{"/etc/dnsmasq.d/*", LEASES_DNSMASQ_CONF},
	{"/etc/ethers", LEASES_ETHERS},
	{"/var/lib/dhcp/dhcpd.leases", LEASES_DHCPD},
	{"/var/lib/dhcpd/dhcpd.leases", LEASES_DHCPD},
	{"/etc/dhcp/dhcpd.conf", LEASES_DHCPD_CONF},
	{"/etc/dhcp/dhcpd6.conf", LEASES_DHCPD_CONF},
	{"/var/lib/kea/kea-leases4.csv", LEASES_KEA},
	{"/var/lib/kea/kea-leases6.csv", LEASES_KEA},
	{"/etc/kea/kea-dhcp4.conf", LEASES_JSON},
	{"/etc/kea/kea-dhcp6.conf", LEASES_JSON},
	{"/var/lib/systemd/network/dhcp-server-lease/*", LEASES_JSON},
	{"/run/systemd/netif/dhcp-server-lease/*", LEASES_JSON},
	{"/etc/systemd/network/*.network", LEASES_NETWORK},
	{"/etc/systemd/network/*.network.d/*.conf", LEASES_NETWORK},
	{"/run/systemd/network/*.network", LEASES_NETWORK},
	{"/run/systemd/network/*.network.d/*.conf", LEASES_NETWORK},
};

static const char *describe_error(int error)
{
	switch (error) {
	case EBADMSG:
		return "not a file of a DHCP server that pxesrvctl knows";
	case EISDIR:
		return "is a directory";
	case ESPIPE:
		return "not a regular file";
	default:
		return strerror(error);
	}
}

static bool read_source(const struct source *source, bool must_be_there,
	const struct lease_sink *sink)
{
	struct lease_sink own = *sink;
	const int error = -(
		must_be_there || strchr(source->path, '*') == NULL
			? leases_read(source->path, source->format, &own)
			: leases_read_all(source->path, source->format, &own));

	if (error == 0)
		return true;
	if ((error == ENOENT || error == ENOTDIR) && !must_be_there &&
		strcmp(own.path, source->path) == 0)
		return true;
	if (error != ECANCELED)
		warnx("%s: %s", own.path, describe_error(error));
	return false;
}

bool lease_sources_read(
	const char *leases, const struct lease_sink *sink, const char **source)
{
	const struct source named = {.path = leases, .format = LEASES_ANY};
	bool done = true;

	*source = leases;
	if (leases != NULL)
		return read_source(&named, true, sink);
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		*source = sources[i].path;
		done = read_source(&sources[i], false, sink) && done;
	}
	return done;
}
