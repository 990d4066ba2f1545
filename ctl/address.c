/* SPDX-License-Identifier: MIT */
/* IP addresses as numbers, so that ranges and prefixes can be enumerated. */
#include "ctl/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "boot/number.h"

#define IPV4_MAPPED_BITS 96 /* RFC 4291, section 2.5.5.2 */

bool address_parse(const char *text, struct address *out)
{
	struct client client;
	char mapped[INET6_ADDRSTRLEN + 8] = "::ffff:";

	if (!client_parse(text, &client))
		return false;
	/* The name is canonical, so client_parse() can't fail. */
	const bool is_ipv4 = client.hex[0] != '\0';
	strcpy(mapped + strlen("::ffff:"), client.key);
	return inet_pton(AF_INET6, is_ipv4 ? mapped : client.key, &out->bits) ==
	       1;
}

void address_client(const struct address *address, struct client *out)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &address->bits, text, sizeof text);
	client_parse(text, out);
}

int address_compare(const struct address *a, const struct address *b)
{
	return memcmp(&a->bits, &b->bits, sizeof a->bits);
}

bool address_next(struct address *address)
{
	for (int i = 15; i >= 0; i--) {
		if (++address->bits.s6_addr[i] != 0)
			return true;
	}
	return false;
}

/* Splits text at a mark. Returns what follows the mark, or NULL. */
static const char *split_address(
	const char *text, char mark, struct address *left)
{
	char first[INET6_ADDRSTRLEN];
	const char *at = strchr(text, mark);

	if (at == NULL || (size_t)(at - text) >= sizeof first)
		return NULL;
	memcpy(first, text, (size_t)(at - text));
	first[at - text] = '\0';
	return address_parse(first, left) ? at + 1 : NULL;
}

bool address_prefix(
	const char *text, struct address *first, struct address *last)
{
	unsigned bits;
	const char *length = split_address(text, '/', first);

	if (length == NULL)
		return false;
	const bool is_ipv4 = memchr(text, ':', (size_t)(length - text)) == NULL;
	if (!number_parse(length, 10, 0, is_ipv4 ? 32 : 128, &bits))
		return false;
	if (is_ipv4)
		bits += IPV4_MAPPED_BITS;
	*last = *first;
	for (unsigned i = bits; i < 128; i++) {
		const uint8_t bit = (uint8_t)(0x80 >> (i % 8));
		first->bits.s6_addr[i / 8] &= (uint8_t)~bit;
		last->bits.s6_addr[i / 8] |= bit;
	}
	return true;
}

bool address_range(
	const char *text, struct address *first, struct address *last)
{
	const char *end = split_address(text, '-', first);

	return end != NULL && address_parse(end, last) &&
	       IN6_IS_ADDR_V4MAPPED(&first->bits) ==
	               IN6_IS_ADDR_V4MAPPED(&last->bits) &&
	       address_compare(first, last) <= 0;
}

bool address_begins(const char *text)
{
	struct address address;

	return split_address(text, '/', &address) != NULL ||
	       split_address(text, '-', &address) != NULL;
}
