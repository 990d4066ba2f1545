/* SPDX-License-Identifier: MIT */
#pragma once

#include "ctl/lease_words.h"
#include "ctl/leases.h"

#define DHCPD_FIXED_SIZE 512 /* bytes */

/* A host declaration, in dhcpd.conf(5) or by OMAPI in dhcpd.leases(5). */
struct dhcpd_host {
	bool is_open; /* its end has not been read */
	bool is_deleted;
	char name[WORD_SIZE];   /* of the declaration, maybe quoted */
	char option[WORD_SIZE]; /* host-name, as written; empty: none */
	struct mac mac;         /* zeros: none */
	/* Addresses or host names with blanks between, of IPv4 and of IPv6. */
	char fixed[2][DHCPD_FIXED_SIZE];
};

void dhcpd_host_open(struct dhcpd_host *host, const char *name);

/* Reads a statement in the host's own block. False: too many addresses. */
bool dhcpd_host_read(struct dhcpd_host *host, const struct words *words);

/* Returns 0 or -ECANCELED. */
int dhcpd_host_report(const struct dhcpd_host *host, struct lease_sink *sink);
