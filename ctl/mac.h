/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The Ethernet address of one machine. */
struct mac {
	uint8_t bytes[6];
};

#define MAC_SIZE 18 /* bytes */

/*
 * Reads a MAC address as people and programs write it: 00:00:5e:00:53:0b,
 * 0:0:5e:0:53:b, with hyphens, 0000.5e00.530b, 00005e00530b, or with Ethernet's
 * hardware type before it, as in PXELINUX's BOOTIF: 01-00-00-5e-00-53-0b.
 * False: out is unchanged, and why is the reason, or NULL if the text does not
 * look like a MAC address.
 */
bool mac_parse(const char *text, struct mac *out, const char **why);

/* Writes it with colons, in lower case. */
void mac_text(const struct mac *mac, char out[static MAC_SIZE]);

bool mac_equal(const struct mac *a, const struct mac *b);
