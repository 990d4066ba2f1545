/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address;

/* The Ethernet address of one machine. */
struct mac {
	uint8_t bytes[6];
};

typedef void mac_found(const struct address *address, void *context);

/*
 * Reads a MAC address as people and programs write it: 00:00:5e:00:53:0b,
 * 0:0:5e:0:53:b, with hyphens, 0000.5e00.530b, 00005e00530b, or with the
 * hardware type of Ethernet before it, as PXELINUX's BOOTIF has it:
 * 01-00-00-5e-00-53-0b. False: it is none; out is then untouched. Why is the
 * reason, or NULL for a text that does not look like one.
 */
bool mac_parse(const char *text, struct mac *out, const char **why);

/*
 * Calls found for each address that a machine has by the leases in a file
 * (NULL: in those of dnsmasq and ISC dhcpd, where Debian and Fedora have them),
 * and by the kernel's neighbour table;
 * but for link-local ones. Each address is told once. False, with a message:
 * the file that was named can't be read.
 */
bool mac_addresses(const struct mac *mac, const char *leases, mac_found *found,
	void *context);
