/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct ctl;

/* Acts for an identity in canonical text. False: it failed. */
typedef bool identity_action(const char *identity, void *context);

/*
 * Calls action for each identity of the machine with a host name: its addresses
 * by DNS and by reservations, and its MAC addresses if machines say theirs.
 * Uses leases where neither DNS nor a reservation has the name. False, with a
 * message: there is none, several machines have the name, something could not
 * be read, or an action failed.
 */
bool host_identities(struct ctl *ctl, const char *name, identity_action *action,
	void *context);
