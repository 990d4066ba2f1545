/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/address.h"
#include "ctl/mac.h"

/* What a DHCP server's file says of an address. */
struct lease {
	struct address address;
	struct mac mac;   /* zeros: of no machine that has one */
	bool holds;       /* now */
	bool is_followed; /* what the file says of it further down counts */
	/*
	 * The later, the newer the lease is, among those of one file. 0: that
	 * can't be told.
	 */
	long long order;
};

typedef void lease_found(const struct lease *lease, void *context);

/*
 * Calls found for each lease of an IPv4 address in a file: of dnsmasq
 * (dnsmasq(8), FILES) or of ISC dhcpd (dhcpd.leases(5)). 0 or -errno, among
 * which are -EBADMSG: another format; -ESPIPE: no regular file. What was found
 * until then does not count.
 */
int leases_read(const char *path, lease_found *found, void *context);
