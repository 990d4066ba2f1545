/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mac {
	uint8_t bytes[6];
};

#define MAC_SIZE 18 /* bytes */

/*
 * Parses a MAC address: 00:00:5e:00:53:0b, 0:0:5e:0:53:b, with hyphens,
 * 0000.5e00.530b, 00005e00530b, or behind Ethernet's hardware type, as in
 * PXELINUX's BOOTIF: 01-00-00-5e-00-53-0b. False: out is unchanged; why is the
 * reason, or NULL if text does not look like a MAC address.
 */
bool mac_parse(const char *text, struct mac *out, const char **why);

/* Writes a MAC address with colons, in lower case. */
void mac_text(const struct mac *mac, char out[static MAC_SIZE]);

bool mac_equal(const struct mac *a, const struct mac *b);

/* Zeros stand for a MAC address that is unknown. */
extern const struct mac mac_unknown;

bool mac_is_known(const struct mac *mac);
