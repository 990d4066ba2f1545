/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/address.h"
#include "ctl/mac.h"

/* is_confirmed: the machine is known to have the address now. */
typedef void neighbour_found(const struct address *address,
	const struct mac *mac, bool is_confirmed, void *context);

/*
 * Calls found for each entry of the kernel's neighbour table, maybe more than
 * once. Returns 0, or -errno: the table is incomplete.
 */
int neighbours_read(neighbour_found *found, void *context);
