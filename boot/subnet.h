/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>

struct tree;

#define SUBNET_DIR "subnet"

/* IPv4 has the prefix lengths 0 to 32; IPv6 0, 4, 8 and so on to 128. */
#define SUBNET_IPV6_STEP 4

/* Bytes for a subnet's name, such as 2001:db8:7::_64. */
#define SUBNET_NAME_SIZE (INET6_ADDRSTRLEN + 4)

/* A subnet as people write it, which need not exist. */
struct subnet {
	char address[INET6_ADDRSTRLEN]; /* canonical text */
	unsigned length;                /* of the prefix, in bits */
};

/*
 * Parses an address, one of these marks and a length, such as 10.0.7.0/24.
 * False: text is something else.
 */
bool subnet_parse(const char *text, const char *marks, struct subnet *out);

/*
 * Writes the name of the subnet of this length, in bits, that an address is in.
 * address is an IP address in canonical text. False: it is none, or has no such
 * length.
 */
bool subnet_name(const char *address, unsigned length,
	char out[static SUBNET_NAME_SIZE]);

/*
 * Finds the entry of the smallest subnet that the address is in. Writes its
 * name, and its text if it is a link, else "". Returns 1; 0 if there is none;
 * or -errno, when name says which entry it is, or "" for all of subnet/.
 */
int subnet_find(const struct tree *tree, const char *address,
	char name[static SUBNET_NAME_SIZE], char text[static PATH_MAX]);
