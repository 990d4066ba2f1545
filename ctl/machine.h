/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/address.h"
#include "ctl/mac.h"

enum holding_state {
	HOLDING_LOST, /* another machine has it now, or had it since */
	HOLDING_PAST, /* the machine had it; nobody is known to have it now */
	HOLDING_NOW,  /* the machine's, and nobody else's */
};

/* An address that a machine has, or has had. */
struct holding {
	struct address address;
	enum holding_state state;
	const char *how;  /* where that is known from, in words; or NULL */
	struct mac other; /* LOST: who has it; zeros: not known */

	/* Which of several is the newest: struct lease. */
	const char *path;
	long long order;
};

/* One machine, and its addresses, each of them once, sorted. */
struct machine {
	struct holding *holdings;
	size_t count;
};

/*
 * Finds what is known of the machine with a MAC address, by the leases in a
 * file (NULL: in those of dnsmasq and of ISC dhcpd, where Debian and Fedora
 * have them) and by the kernel's neighbour table; link-local addresses are left
 * out. It has now what is leased to it; without a lease, and without a file
 * that was named, what its confirmed neighbour entries have. What is leased to
 * another machine, or is a confirmed neighbour entry of one, is not its own.
 * False, with a message: a file can't be read.
 */
bool machine_of_mac(
	const struct mac *mac, const char *leases, struct machine *out);

/* Adds an address that the machine has by its name. */
void machine_add(struct machine *machine, const struct address *address);

void machine_free(struct machine *machine);

/* How many of its addresses are in a state. */
size_t machine_count(const struct machine *machine, enum holding_state state);

/*
 * The newest of all leases that it has now. NULL: that can't be told, since
 * they are not all of one file, or two are equally old, or one has no time.
 */
const struct holding *machine_newest(const struct machine *machine);
