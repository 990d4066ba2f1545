/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/address.h"
#include "ctl/mac.h"

enum holding_state {
	HOLDING_LOST, /* another machine has it now, or had it later */
	HOLDING_PAST, /* it had this; nobody is known to have it now */
	HOLDING_NOW,  /* it has this, and nobody else does */
};

/* An address that a machine has, or had. */
struct holding {
	struct address address;
	enum holding_state state;
	const char *how;  /* how that is known, in words, or NULL */
	struct mac other; /* HOLDING_LOST: who has it; zeros: unknown */

	/* For machine_newest(): as in struct lease. */
	const char *path;
	long long order;
};

/* A machine and its addresses, each of them once, sorted. */
struct machine {
	struct holding *holdings;
	size_t count;
};

/*
 * Finds the addresses of the machine with a MAC address. It reads the lease
 * file leases and the kernel's neighbour table. NULL: the files of dnsmasq and
 * ISC dhcpd where Debian and Fedora have them. Link-local addresses are left
 * out.
 *
 * The machine has what is leased to it. Without any lease, and if no file was
 * named, it has what its confirmed neighbour entries say. An address that is
 * leased to another machine, or is in a confirmed neighbour entry of one, is
 * not its own. False, with a message: a file can't be read.
 */
bool machine_of_mac(
	const struct mac *mac, const char *leases, struct machine *out);

/* Adds an address that the machine has, found by its host name. */
void machine_add(struct machine *machine, const struct address *address);

void machine_free(struct machine *machine);

/* Returns how many of its addresses are in a state. */
size_t machine_count(const struct machine *machine, enum holding_state state);

/*
 * The newest of its current leases. NULL: unknown, since they are in several
 * files, or two are equally old, or one has no time.
 */
const struct holding *machine_newest(const struct machine *machine);
