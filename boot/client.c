/* SPDX-License-Identifier: MIT */
/* Parses a client's IP address into the one spelling that names its entries. */
#include "boot/client.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static void from_ipv4(const struct in_addr *address, struct client *out)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint32_t bits = ntohl(address->s_addr);

	inet_ntop(AF_INET, address, out->key, sizeof out->key);
	for (int i = 0; i < 8; i++)
		out->hex[i] = digits[bits >> (28 - 4 * i) & 15];
	out->hex[8] = '\0';
}

bool client_parse(const char *address, struct client *out)
{
	struct in_addr v4;
	if (inet_pton(AF_INET, address, &v4) == 1) {
		from_ipv4(&v4, out);
		return true;
	}

	char text[INET6_ADDRSTRLEN];
	size_t length = strcspn(address, "%");
	if (length >= sizeof text)
		return false;
	memcpy(text, address, length);
	text[length] = '\0';

	struct in6_addr v6;
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		memcpy(&v4, &v6.s6_addr[12], sizeof v4);
		from_ipv4(&v4, out);
		return true;
	}
	inet_ntop(AF_INET6, &v6, out->key, sizeof out->key);
	out->hex[0] = '\0';
	return true;
}
