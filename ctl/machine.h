/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/address.h"
#include "ctl/mac.h"

enum holding_state {
	HOLDING_LOST, /* another machine has it, or had it later */
	HOLDING_PAST, /* was its own; nobody is known to have it now */
	HOLDING_NOW,  /* is its own, and nobody else's */
};

struct holding {
	struct address address;
	enum holding_state state;
	const char *how;  /* how we know, in words, or NULL */
	struct mac other; /* HOLDING_LOST: who has it; zeros: unknown */

	/* For machine_newest(): as in struct lease. */
	const char *path;
	long long order;
};

/* A machine and its addresses, sorted, each of them once. */
struct machine {
	struct holding *holdings;
	size_t count;
};

/*
 * Finds the addresses of the machine with a MAC address, by files of DHCP
 * servers and the kernel's neighbour table. leases is a path; NULL: the files
 * where Debian and Fedora have them. Ignores link-local addresses.
 *
 * A machine has what is leased to it or reserved for it. Without a lease and a
 * reservation, and if leases is NULL, it has what its confirmed neighbour
 * entries say. An address that is leased to another machine, reserved or
 * confirmed for one, is not its own. A reservation that has the name host
 * (NULL: none) in the place of an address gives none. False, with a message: a
 * file can't be read, or another name in a reservation can't be resolved.
 */
bool machine_of_mac(const struct mac *mac, const char *host, const char *leases,
	struct machine *out);

#define MACHINE_REASON_SIZE (64 + MAC_SIZE) /* bytes */

/* Writes how we know of an address and which machine has it now, or "". */
void machine_reason(
	const struct holding *holding, char out[static MACHINE_REASON_SIZE]);

/* Adds an address that the machine's host name has. */
void machine_add(struct machine *machine, const struct address *address);

/* Adds the addresses of another one that this one doesn't have. */
void machine_merge(struct machine *machine, const struct machine *other);

bool machine_has(const struct machine *machine, const struct address *address);

void machine_free(struct machine *machine);

/* Counts the addresses in a state. */
size_t machine_count(const struct machine *machine, enum holding_state state);

/*
 * Returns the newest current lease. NULL: unknown, since leases are in several
 * files, or two are equally old, or one has no time.
 */
const struct holding *machine_newest(const struct machine *machine);
