/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "boot/client.h"

/* An IP address. An IPv4 address is held as the IPv4-mapped IPv6 address. */
struct address {
	struct in6_addr bits;
};

/* Reads an address as in REMOTE_ADDR. False: text is not an address. */
bool address_parse(const char *text, struct address *out);

void address_client(const struct address *address, struct client *out);

/* Compares like memcmp(3). */
int address_compare(const struct address *a, const struct address *b);

/* Increments an address. False: it was the last address of all. */
bool address_next(struct address *address);

/*
 * Reads a prefix such as 10.0.0.0/28 or 2001:db8::/120; bits behind the length
 * don't count. Writes its first and last address. False: text is not a prefix.
 */
bool address_prefix(
	const char *text, struct address *first, struct address *last);

/* Whether text begins like a prefix or a range: an address, then / or -. */
bool address_begins(const char *text);

/*
 * As address_prefix(), for a range such as 10.0.0.10-10.0.0.20. Both ends must
 * be of the same family.
 */
bool address_range(
	const char *text, struct address *first, struct address *last);
