/* SPDX-License-Identifier: MIT */
/* Parses all spellings of MAC addresses that people and programs use. */
#include "ctl/mac.h"

#include <stdio.h>
#include <string.h>

#define HEX_DIGITS "0123456789abcdefABCDEF"
#define GROUPS_MAX 32
#define ETHERNET 1 /* the hardware type of RFC 826 */

/* Hexadecimal digits in groups, with one mark between all of them. */
struct groups {
	char mark; /* NUL: only one group */
	unsigned count;
	unsigned values[GROUPS_MAX];
	size_t shortest, longest; /* digits */
};

static unsigned hex_value(const char *digits, size_t length)
{
	unsigned value = 0;

	for (size_t i = 0; i < length; i++) {
		const char c = digits[i];
		value = value << 4 |
		        (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static bool split_groups(const char *text, struct groups *out)
{
	*out = (struct groups){.shortest = SIZE_MAX};
	for (;;) {
		const size_t length = strspn(text, HEX_DIGITS);
		if (length == 0 || out->count == GROUPS_MAX)
			return false;
		out->values[out->count++] = hex_value(text, length);
		if (length < out->shortest)
			out->shortest = length;
		if (length > out->longest)
			out->longest = length;
		text += length;
		if (*text == '\0')
			return true;
		if (out->mark == '\0')
			out->mark = *text;
		if (*text != out->mark || strchr(":-.", *text) == NULL)
			return false;
		text++;
	}
}

static bool read_octets(const struct groups *groups, uint8_t out[static 6])
{
	const bool has_type = groups->count == 7;

	if (groups->count != 6 && !has_type)
		return false;
	for (unsigned i = 0; i < 6; i++)
		out[i] = (uint8_t)groups->values[i + has_type];
	return true;
}

/* 0000.5e00.530b */
static void read_pairs(const struct groups *groups, uint8_t out[static 6])
{
	for (unsigned i = 0; i < 6; i++)
		out[i] = (uint8_t)(groups->values[i / 2] >>
				   (i % 2 == 0 ? 8 : 0));
}

/* 00005e00530b */
static void read_digits(const char *text, uint8_t out[static 6])
{
	for (size_t i = 0; i < 6; i++)
		out[i] = (uint8_t)hex_value(text + 2 * i, 2);
}

/*
 * Why groups with colons or hyphens are no MAC address. NULL: they are one, or
 * may be something else, such as an IPv6 address or the host db-01-02.
 */
static const char *doubt_octets(const struct groups *groups)
{
	const bool are_octets = groups->longest <= 2;

	if (groups->count == 7 && are_octets)
		return groups->values[0] == ETHERNET
		               ? NULL
		               : "seven octets, but the first one is not 01, the hardware type of Ethernet";
	if (groups->count == 8 && groups->mark == ':')
		return are_octets && groups->shortest == 2
		               ? "eight octets, or an IPv6 address? write an IPv6 address without leading zeros"
		               : NULL;
	if (groups->count == 6 && are_octets)
		return NULL;
	if (groups->mark == '-' && (groups->count < 5 || !are_octets))
		return NULL;
	return groups->count < 3 ? NULL : "a MAC address has six octets";
}

/* Returns why no machine can have this address, or NULL. */
static const char *doubt_machine(const uint8_t bytes[static 6])
{
	static const uint8_t zeros[6];

	if (bytes[0] & 1)
		return "a multicast or broadcast MAC address, which no machine has";
	if (memcmp(bytes, zeros, sizeof zeros) == 0)
		return "a MAC address of zeros, which no machine has";
	return NULL;
}

bool mac_parse(const char *text, struct mac *out, const char **why)
{
	struct groups groups;
	struct mac mac = {{0}};

	*why = NULL;
	if (!split_groups(text, &groups))
		return false;
	if (groups.mark == '\0') {
		if (groups.longest > 12)
			*why = "more than the 12 digits of a MAC address (write a host name of such digits with its domain)";
		if (groups.longest != 12)
			return false;
		read_digits(text, mac.bytes);
	} else if (groups.mark == '.') {
		if (groups.count != 3 || groups.shortest != 4 ||
			groups.longest != 4)
			return false;
		read_pairs(&groups, mac.bytes);
	} else {
		*why = doubt_octets(&groups);
		if (*why != NULL || groups.longest > 2 ||
			!read_octets(&groups, mac.bytes))
			return false;
	}
	*why = doubt_machine(mac.bytes);
	if (*why == NULL)
		*out = mac;
	return *why == NULL;
}

void mac_text(const struct mac *mac, char out[static MAC_SIZE])
{
	const uint8_t *at = mac->bytes;

	snprintf(out, MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", at[0], at[1],
		at[2], at[3], at[4], at[5]);
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

const struct mac mac_unknown;

bool mac_is_known(const struct mac *mac)
{
	return !mac_equal(mac, &mac_unknown);
}
