/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/leases.h"

/*
 * Reads a file of a DHCP server. leases is its path; NULL: the files where
 * Debian and Fedora have them. Keeps in source which one is being read: a path,
 * or a pattern of glob(7). False, with a message: a file can't be read, or a
 * name in a reservation can't be resolved.
 */
bool lease_sources_read(
	const char *leases, const struct lease_sink *sink, const char **source);
