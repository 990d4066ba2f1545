/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;

/* An Ethernet address. */
struct mac {
	uint8_t bytes[6];
};

typedef void mac_found(const struct address *address, void *context);

/* Reads six octets, as 52:54:00:0a:0b:0c or with hyphens. */
bool mac_parse(const char *text, struct mac *out);

/*
 * Calls found for each address that a machine has by the leases in a file
 * (NULL: in those of dnsmasq and ISC dhcpd, where Debian and Fedora have them),
 * and by the kernel's neighbour table;
 * but for link-local ones. Each address is told once. False, with a message:
 * the file that was named can't be read.
 */
bool mac_addresses(const struct mac *mac, const char *leases, mac_found *found,
	void *context);
