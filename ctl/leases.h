/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "ctl/address.h"
#include "ctl/mac.h"

/* What a file of a DHCP server says about an address. */
struct lease {
	struct address address;
	struct mac mac;   /* zeros: none */
	bool holds;       /* has the address now, or it is reserved for it */
	bool is_followed; /* a later record replaces this one */
	bool is_reserved; /* by a configuration */
	/* Reservations of one address for several cards of one machine have
	 * the same number. 0: for one card only. */
	unsigned record;
	/* In one file, a higher order is newer. 0: unknown. */
	long long order;
	/*
	 * The host's name in a lease, which the client may have chosen. NULL:
	 * none, or a reservation. Valid during the call of lease_found.
	 */
	const char *name;
};

/* A host name in a reservation. Valid during the call of lease_named. */
struct lease_host {
	const char *name;
	struct mac mac;         /* zeros: none is known */
	struct address address; /* only if none is */
	/* Cards, or addresses without a card, of one machine have the same
	 * number. 0: one card only. */
	unsigned record;
};

/* What is read; the servers' own manuals describe the formats. */
enum leases_format {
	LEASES_ANY, /* find out which by looking at the content */
	LEASES_DNSMASQ,
	LEASES_DNSMASQ_CONF,
	LEASES_DNSMASQ_HOSTS, /* dhcp-hostsfile */
	LEASES_DHCPD,
	LEASES_DHCPD_CONF,
	LEASES_KEA,     /* CSV */
	LEASES_JSON,    /* Kea's configuration, systemd-networkd's leases */
	LEASES_NETWORK, /* systemd.network(5) */
	LEASES_ETHERS,  /* ethers(5) */
};

typedef void lease_found(const struct lease *lease, void *context);
typedef void lease_named(const struct lease_host *host, void *context);

/*
 * Reports the addresses that a host name in a reservation has. False, with a
 * message: it has none.
 */
typedef bool lease_resolve(const char *name, int family, void *context);

/* Files that name others do so to this depth. */
#define LEASES_DEPTH_MAX 10

/* Who takes what a file says. */
struct lease_sink {
	lease_found *found;
	lease_named *named; /* NULL: host names don't matter */
	lease_resolve *resolve;
	void *context;
	/* Only names in reservations of this card are resolved. NULL: none. */
	const struct mac *mac;
	unsigned depth;   /* begins with 0; at the most, no file is followed */
	unsigned records; /* begins with 0 */
	char path[PATH_MAX]; /* after an error: the file that it is about */
};

/*
 * Reports each lease and reservation, and each host name of a reservation, in a
 * file and in the files that it includes. Returns 0 or -errno: -EBADMSG for
 * another format, -ESPIPE for anything but a regular file, -EFBIG, -ELOOP for
 * files that name each other, -ECANCELED if resolve failed. After an error,
 * ignore what was found.
 */
int leases_read(
	const char *path, enum leases_format format, struct lease_sink *sink);

/*
 * As leases_read(), for the files that match a pattern of glob(7). There may be
 * none. Leaves out directories, and what package managers and editors leave.
 */
int leases_read_all(const char *pattern, enum leases_format format,
	struct lease_sink *sink);
