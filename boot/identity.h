/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/*
 * What tells one machine from the others. Each kind of identity has one
 * canonical text, which names the machine's entries.
 */

#define KEY_SIZE 65      /* bytes: a name of 64, and a NUL */
#define MAC_KEY_SIZE 18  /* bytes: 00:00:5e:00:53:07 and a NUL */
#define UUID_KEY_SIZE 37 /* bytes: 8-4-4-4-12 digits and a NUL */
#define NAMES_DIR "names"

/* A machine's identities in canonical text. An empty one is not known. */
struct identities {
	char uuid[UUID_KEY_SIZE];
	char mac[MAC_KEY_SIZE];
	char address[INET6_ADDRSTRLEN]; /* IP address */
};

/*
 * Parses a MAC address of six bytes with colons, with hyphens or bare, in any
 * case. False, with out untouched: it is none, or no single card has it (all
 * zeros, or a group address: IEEE 802, section 8.2).
 */
bool identity_parse_mac(const char *text, char out[static MAC_KEY_SIZE]);

/*
 * Parses a UUID (RFC 9562, section 4) in any case. False, with out untouched:
 * it is none.
 */
bool identity_parse_uuid(const char *text, char out[static UUID_KEY_SIZE]);

/* Whether board makers give a UUID, in canonical text, to many boards. */
bool identity_is_shared_uuid(const char *uuid);

/*
 * Whether text can be a machine's name: 1 to 64 letters, digits, ".", "-" and
 * "_", no "." first, and no IP or MAC address or UUID.
 */
bool identity_is_name(const char *text);
