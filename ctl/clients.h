/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "client.h"

struct ctl;

/* What is done for one client. False: it could not be. */
typedef bool client_action(
	struct ctl *ctl, const struct client *client, void *context);

/*
 * Does something for each client that the arguments name: addresses, host
 * names, MAC addresses, ranges, prefixes; "-" is read from standard input. One
 * that names nobody is told on standard error, and does not stop the others.
 * False when there was such a one, or when action could not be done.
 */
bool clients_each(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context);
