/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "boot/client.h"
#include "boot/identity.h"
#include "boot/reason.h"

struct tree;

/* A name, a UUID, a MAC address and an IP address */
#define KEYS_MAX 4

/* What a machine's entries may be called, in the order in which they count. */
struct keys {
	const char *list[KEYS_MAX];
	unsigned count;
	char name[KEY_SIZE]; /* of the machine; empty: it has none */
};

/* An entry in names/ that could not be used. */
struct keys_trouble {
	char entry[ENTRY_PATH_SIZE]; /* such as names/10.0.0.7 */
	char text[PATH_MAX];         /* of its link; empty: it is no link */
	int error;                   /* positive errno; EINVAL: no name */
	enum reason reason;
	const char *words;
};

/*
 * Lists the keys of a machine: its name, which is that of its first identity
 * with an entry in names/, then its identities. out has pointers into who, and
 * must not be copied. False: trouble says which entry of the machine could not
 * be used, and why.
 */
bool keys_find(const struct tree *tree, const struct identities *who,
	struct keys *out, struct keys_trouble *trouble);
