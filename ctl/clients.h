/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/client.h"

struct ctl;

/* What is done for one client. False: it could not be. */
typedef bool client_action(
	struct ctl *ctl, const struct client *client, void *context);

/*
 * Does something for each client that the arguments name: addresses, host
 * names, MAC addresses, ranges, prefixes; "-" is read from standard input. A
 * host name or a MAC address is one machine and so one client. One
 * that names nobody is told on standard error, and does not stop the others.
 * False when there was such a one, or when action could not be done.
 */
bool clients_each(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);

/*
 * As clients_each(), to take entries away: of a machine each client that has an
 * entry in a directory of the tree.
 */
bool clients_each_entry(struct ctl *ctl, const char *directory, int count,
	char *const arguments[], client_action *action, void *context);

/* As clients_each(), to look back: of a machine each client that it was. */
bool clients_each_known(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);
