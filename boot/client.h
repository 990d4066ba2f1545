/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "boot/identity.h"

/* Bytes for the path of a machine's entry, such as once/.served/10.0.0.7. */
#define ENTRY_PATH_SIZE 96

/* The machine that an IP address or another key stands for. */
struct client {
	char key[KEY_SIZE]; /* names its entries: the address's canonical text
	                     */
	char hex[9];        /* IPv4: as GRUB writes it, 0A000007; else empty */
};

/*
 * Parses an address as in REMOTE_ADDR. An IPv4-mapped IPv6 address becomes
 * IPv4; a zone (fe80::1%eth0) is ignored. The key is written from the address's
 * bytes, never copied from the text. Returns false, with out untouched, if the
 * text is not an IP address.
 */
bool client_parse(const char *address, struct client *out);
