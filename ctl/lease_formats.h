/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "ctl/leases.h"

/* The readers behind leases_read(), one for each format. */

int leases_of_dnsmasq(FILE *file, struct lease_sink *sink);
int leases_of_dnsmasq_conf(FILE *file, struct lease_sink *sink);
int leases_of_dnsmasq_hosts(FILE *file, struct lease_sink *sink);
int leases_of_dhcpd(FILE *file, struct lease_sink *sink);
int leases_of_dhcpd_conf(FILE *file, struct lease_sink *sink);
int leases_of_kea(FILE *file, struct lease_sink *sink);
int leases_of_json(FILE *file, struct lease_sink *sink);
int leases_of_network(FILE *file, struct lease_sink *sink);
int leases_of_ethers(FILE *file, struct lease_sink *sink);

/*
 * Opens a regular file for reading, without waiting for it. NULL with errno:
 * ESPIPE for another kind of file.
 */
FILE *leases_open(const char *path);

/*
 * Writes the path of a file that another one names. A relative path counts from
 * /, the working directory of a service. False: too long.
 */
bool leases_path(const char *text, char out[static PATH_MAX]);

/* As leases_read(), for a file that another one names. */
int leases_follow(
	const char *path, enum leases_format format, struct lease_sink *sink);

/*
 * Reports that an address is reserved for a card. text may be a host name that
 * has addresses of this family. An unspecified address is none. Returns 0 or
 * -ECANCELED.
 */
int leases_reserve(struct lease_sink *sink, const struct mac *mac,
	unsigned record, const char *text, int family);

/*
 * Reports the host name of a reservation for a card, or, if mac is zeros, for
 * an address. An unspecified address is none, nor is what is no address.
 */
void leases_name(struct lease_sink *sink, const char *name,
	const struct mac *mac, unsigned record, const char *address);

/* Reads a decimal number and nothing else. */
bool leases_number(const char *digits, long long *out);

/* As mac_parse(); a hardware type may precede the address: 01-00:00:5e:... */
bool leases_dnsmasq_mac(const char *text, struct mac *out);

/* Which of dhcpd's files this is, by its statements. LEASES_ANY: none. */
enum leases_format leases_format_of_dhcpd(FILE *file);
