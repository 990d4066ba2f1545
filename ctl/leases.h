/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/address.h"
#include "ctl/mac.h"

/* What a lease file says about an address. */
struct lease {
	struct address address;
	struct mac mac;   /* zeros: none */
	bool holds;       /* now */
	bool is_followed; /* later records of the address replace this one */
	/* Leases of one file with a higher order are newer. 0: unknown. */
	long long order;
};

typedef void lease_found(const struct lease *lease, void *context);

/*
 * Calls found for each lease of an IPv4 address in a file of dnsmasq
 * (dnsmasq(8), FILES) or ISC dhcpd (dhcpd.leases(5)). 0 or -errno, such as
 * -EBADMSG for another format and -ESPIPE for something other than a regular
 * file. After an error, ignore what was found.
 */
int leases_read(const char *path, lease_found *found, void *context);
