/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/client.h"

struct ctl;

/* Acts for one client. False: the action failed. */
typedef bool client_action(
	struct ctl *ctl, const struct client *client, void *context);

/*
 * Calls action for each client in the arguments: addresses, ranges, prefixes,
 * MAC addresses, host names; "-" reads them from standard input. Those in the
 * file of ctl->file come first. A MAC address
 * or host name is one machine and gives one client. A word that names no client
 * prints an error, and the others go on. False then, or if an action failed.
 */
bool clients_each(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);

/*
 * As clients_each(), to remove entries: a machine gives all its clients that
 * have an entry in this directory of the tree.
 */
bool clients_each_entry(struct ctl *ctl, const char *directory, int count,
	char *const arguments[], client_action *action, void *context);

/* As clients_each(), for history: a machine gives all its clients ever. */
bool clients_each_known(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);
