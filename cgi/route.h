/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>

struct metavars;

enum route_kind {
	ROUTE_NONE,
	ROUTE_REDIRECT,
	ROUTE_DONE,
	ROUTE_GRUB_CLEAR,
};

struct route {
	enum route_kind kind;
	/* ROUTE_GRUB_CLEAR: one path component; empty if invalid. */
	char version[NAME_MAX + 1];
};

/*
 * Finds the route by the decoded path of REQUEST_URI, without the query.
 * Without REQUEST_URI, uses SCRIPT_NAME and PATH_INFO, which are decoded
 * already (RFC 3875, sections 4.1.5, 4.1.13). Any prefix may precede the route.
 * A path longer than PATH_MAX or wrongly encoded is no route; nor is one into
 * once/, until/, names/ or subnet/, which lighttpd relies on PXESrv to hide.
 * That is judged by SCRIPT_NAME and PATH_INFO, since only they resolve "/../".
 */
void route_find(const struct metavars *vars, struct route *out);
