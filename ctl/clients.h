/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/client.h"

struct ctl;

/* What is done for one client. False: it failed. */
typedef bool client_action(
	struct ctl *ctl, const struct client *client, void *context);

/*
 * Calls action for each client that the arguments name: addresses, ranges,
 * prefixes, MAC addresses, host names; "-" reads them from standard input. A
 * MAC address or a host name is one machine, so it gives one client. Prints an
 * error for a word that names no client and goes on. False: there was such a
 * word, or an action failed.
 */
bool clients_each(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);

/*
 * As clients_each(), to remove entries: a machine gives each of its clients
 * that has an entry in this directory of the tree.
 */
bool clients_each_entry(struct ctl *ctl, const char *directory, int count,
	char *const arguments[], client_action *action, void *context);

/*
 * As clients_each(), for history: a machine gives each client that it is or
 * was.
 */
bool clients_each_known(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);
