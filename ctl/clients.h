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
 * MAC addresses, UUIDs, names, host names; "-" reads them from standard input.
 * Those in the file of ctl->file come first. A machine with a name in names/ is
 * called by it. A MAC address or host name is one machine and gives one client.
 * A word that names no client prints an error, and the others go on. False
 * then, or if an action failed.
 */
bool clients_each(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);

/*
 * As clients_each(), to remove entries: a machine gives all its clients that
 * have an entry in one of these directories of the tree. The list ends with a
 * NULL; messages name the first.
 */
bool clients_each_entry(struct ctl *ctl, const char *const directories[],
	int count, char *const arguments[], client_action *action,
	void *context);

/*
 * As clients_each(), for what requests get: each identity of a name is a client
 * of its own, by its canonical text.
 */
bool clients_each_identity(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);

/* As clients_each(), for history: a machine gives all its clients ever. */
bool clients_each_known(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);
