/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/address.h"

typedef void resolve_found(const struct address *address, void *context);

/*
 * Reports the addresses that the resolver knows of a host name. Returns 0 or an
 * error of getaddrinfo(3): EAI_NONAME also for an odd address.
 */
int resolve_host(
	const char *name, int family, resolve_found *found, void *context);

/* Whether inet_aton(3) would take text for some address: 010.0.0.7, 10.1. */
bool resolve_is_odd_address(const char *text);
