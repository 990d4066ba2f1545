/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/* One address of a machine that boots: the name of its entries. */
struct client {
	char name[INET6_ADDRSTRLEN]; /* canonical text: the entry's name */
	char hex[9]; /* IPv4: as GRUB writes it, 0A000007; else empty */
};

/*
 * Reads an address as REMOTE_ADDR has it. An IPv4-mapped IPv6 address is the
 * IPv4 address; the zone of a link-local one (fe80::1%eth0) does not count.
 * The name is made from the address's bytes, never copied from the text.
 * False when the text is no IP address; out is then untouched.
 */
bool client_parse(const char *address, struct client *out);
