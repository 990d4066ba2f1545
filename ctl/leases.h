/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/address.h"
#include "ctl/mac.h"

/* What a lease file says about an address. */
struct lease {
	struct address address;
	struct mac mac;   /* zeros: none */
	bool holds;       /* has the address now */
	bool is_followed; /* a later record replaces this one */
	/* In one file, a higher order is newer. 0: unknown. */
	long long order;
};

typedef void lease_found(const struct lease *lease, void *context);

/*
 * Calls found for each IPv4 lease in a file of dnsmasq (dnsmasq(8), FILES) or
 * ISC dhcpd (dhcpd.leases(5)). Returns 0 or -errno: -EBADMSG for another
 * format, -ESPIPE for anything but a regular file. After an error, ignore what
 * was found.
 */
int leases_read(const char *path, lease_found *found, void *context);
