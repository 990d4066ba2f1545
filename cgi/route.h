/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

struct metavars;

enum route_kind {
	ROUTE_NONE,
	ROUTE_REDIRECT,
	ROUTE_GRUB_CLEAR,
};

struct route {
	enum route_kind kind;
	/* ROUTE_GRUB_CLEAR: empty when it is not one plain path component. */
	char version[NAME_MAX + 1];
};

/*
 * Finds which route a request is for: the path of REQUEST_URI, without the
 * query, percent-decoded; where the server gives none, SCRIPT_NAME and
 * PATH_INFO, which are decoded already (RFC 3875, sections 4.1.5, 4.1.13).
 * Any prefix may stand before the route. A path that is longer than PATH_MAX,
 * or wrongly encoded, is no route; nor is one that leads into once/, which
 * lighttpd leaves to PXESrv to hide. Only SCRIPT_NAME and PATH_INFO tell where
 * a path with /../ leads.
 */
void route_find(const struct metavars *vars, struct route *out);
