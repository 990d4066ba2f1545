/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/identity.h"

struct tree;

/*
 * Parses an identity: an IP address, a MAC address in any spelling that
 * mac_parse() takes, or a UUID. Writes its canonical text. False: it is none.
 */
bool names_parse_identity(const char *text, char out[static KEY_SIZE]);

/* Writes the name of an identity in canonical text. False: it has none. */
bool names_of(const struct tree *tree, const char *identity,
	char out[static KEY_SIZE]);

/*
 * Calls found for each identity with this name, in the order of the directory.
 * Returns how many there are, or -errno.
 */
int names_each_identity(const struct tree *tree, const char *name,
	void (*found)(const char *identity, void *context), void *context);
