/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/address.h"
#include "ctl/mac.h"

struct machine;

#define HOST_NAME_SIZE 256 /* bytes */

/* What a host name stands at: a card, or an address of an unknown card. */
struct host_member {
	struct mac mac;         /* zeros: unknown */
	struct address address; /* of a lease, or if mac is unknown */
	unsigned machine;       /* equal numbers are one machine */
	unsigned record;        /* as in struct lease_host */
	const char *source;     /* path or pattern of its file */
	char name[HOST_NAME_SIZE];
};

struct host {
	struct host_member *members;
	size_t count;
};

/* Who has a host name. */
struct hosts {
	struct host reserved; /* by reservations */
	struct host leased;   /* by leases, where clients choose names */
};

/*
 * Whether a host name is the one that is asked for. Case and a dot at the end
 * don't matter. A name without a dot is found with any domain, too; a name with
 * a domain is not found without it.
 */
bool host_name_matches(const char *asked, const char *found);

/*
 * Finds the machines that have a host name in the files of DHCP servers. leases
 * is a path, or NULL, as for machine_of_mac(). False, with a message: a file
 * can't be read.
 */
bool hosts_find(const char *name, const char *leases, struct hosts *out);

void hosts_free(struct hosts *hosts);

/* Counts the machines that have the name. */
unsigned host_machines(const struct host *host);

/* Says that several machines have the name, which they are, and what to do. */
void host_warn_of_several(const char *name, const struct host *host);

/*
 * Adds the addresses of a member to a machine, as machine_of_mac() finds them.
 * False, with a message: a file can't be read.
 */
bool host_add_addresses(const char *name, const struct host_member *member,
	const char *leases, struct machine *out);

/* The only card that has the name. NULL: there are several, or none. */
const struct mac *host_only_card(const struct host *host);
