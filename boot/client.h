/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/* Bytes for the path of a client's entry, such as once/.served/10.0.0.7. */
#define ENTRY_PATH_SIZE 64

/* A client's IP address, in the forms that name its entries. */
struct client {
	char name[INET6_ADDRSTRLEN]; /* canonical text: the entry's name */
	char hex[9]; /* IPv4: as GRUB writes it, 0A000007; else empty */
};

/*
 * Parses an address as in REMOTE_ADDR. An IPv4-mapped IPv6 address becomes
 * IPv4; a zone (fe80::1%eth0) is ignored. The name is written from the
 * address's bytes, never copied from the text. Returns false, with out
 * untouched, if the text is not an IP address.
 */
bool client_parse(const char *address, struct client *out);
