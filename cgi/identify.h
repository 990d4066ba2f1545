/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/identity.h"

/* PXESRV_IDENTIFY: which identities of the query string count. */
struct identify {
	bool by_mac;
	bool by_uuid;
};

#define IDENTIFY_NOTES_SIZE 128 /* bytes */

/* Parses "mac", "uuid", or both with a comma. False: out is unchanged. */
bool identify_parse(const char *text, struct identify *out);

/*
 * Reads a machine's MAC address and UUID from a query string such as
 * "mac=00:00:5e:00:53:07&uuid=", percent-encoded (RFC 3986, section 2.1). query
 * may be NULL. What the settings don't ask for, and what can't be used, is left
 * empty; notes gets the reason for the latter, in parentheses after a blank.
 */
void identify_read(const struct identify *wanted, const char *query,
	struct identities *out, char notes[static IDENTIFY_NOTES_SIZE]);
