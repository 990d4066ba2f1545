/* SPDX-License-Identifier: MIT */
#pragma once

#include "mac.h"

/*
 * Calls found for each address that the kernel's neighbour table has for a
 * machine: those that this host has talked to. It tells none where the table
 * can't be read.
 */
void neighbours_find(const struct mac *mac, mac_found *found, void *context);
