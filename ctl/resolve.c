/* SPDX-License-Identifier: MIT */
/* Asks the resolver for the addresses of a host name. */
#include "ctl/resolve.h"

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

bool resolve_is_odd_address(const char *text)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
	struct addrinfo *found;

	if (getaddrinfo(text, NULL, &hints, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

int resolve_host(
	const char *name, int family, resolve_found *found, void *context)
{
	const struct addrinfo hints = {
		.ai_family = family, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	struct address address;
	char text[INET6_ADDRSTRLEN];

	const int error = resolve_is_odd_address(name)
	                          ? EAI_NONAME
	                          : getaddrinfo(name, NULL, &hints, &list);
	if (error != 0)
		return error;
	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text,
			    NULL, 0, NI_NUMERICHOST) == 0 &&
			address_parse(text, &address))
			found(&address, context);
	}
	freeaddrinfo(list);
	return 0;
}
