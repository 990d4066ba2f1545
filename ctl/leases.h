/* SPDX-License-Identifier: MIT */
#pragma once

#include "mac.h"

/*
 * Calls found for each address that a DHCP server's file leases to a machine
 * now: dnsmasq's (dnsmasq(8), FILES) or ISC dhcpd's (dhcpd.leases(5)). Which of
 * the two it is shows in each line. 0 or -errno.
 */
int leases_find(const char *path, const struct mac *mac, mac_found *found,
	void *context);
