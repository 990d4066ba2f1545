/* SPDX-License-Identifier: MIT */
/*
 * Finds the entry of a machine's subnet. Each length has one possible name, so
 * what a search costs does not depend on how many entries there are.
 */
#include "boot/subnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/number.h"
#include "boot/tree.h"

/* An address, and what its family allows. */
struct address {
	int family;
	uint8_t bytes[16];
	unsigned bits; /* of the address */
	unsigned step; /* between two lengths of a prefix, in bits */
};

static bool parse_address(const char *text, struct address *out)
{
	if (inet_pton(AF_INET, text, out->bytes) == 1) {
		out->family = AF_INET;
		out->bits = 32;
		out->step = 1;
		return true;
	}
	if (inet_pton(AF_INET6, text, out->bytes) != 1)
		return false;
	out->family = AF_INET6;
	out->bits = 128;
	out->step = SUBNET_IPV6_STEP;
	return true;
}

/* Clears the bits of the address behind the first length ones. */
static void mask_address(struct address *address, unsigned length)
{
	for (unsigned i = length / 8; i < address->bits / 8; i++) {
		const unsigned kept = i == length / 8 ? length % 8 : 0;
		address->bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
}

static void write_name(const struct address *address, unsigned length,
	char out[static SUBNET_NAME_SIZE])
{
	char network[INET6_ADDRSTRLEN];

	inet_ntop(address->family, address->bytes, network, sizeof network);
	snprintf(out, SUBNET_NAME_SIZE, "%s_%u", network, length);
}

bool subnet_parse(const char *text, const char *marks, struct subnet *out)
{
	const size_t split = strcspn(text, marks);
	char address[INET6_ADDRSTRLEN];
	struct client client;

	if (text[split] == '\0' || split >= sizeof address)
		return false;
	memcpy(address, text, split);
	address[split] = '\0';
	if (!client_parse(address, &client) ||
		!number_parse(text + split + 1, 10, 0, 128, &out->length))
		return false;
	strcpy(out->address, client.key);
	return true;
}

bool subnet_name(
	const char *address, unsigned length, char out[static SUBNET_NAME_SIZE])
{
	struct address parsed;

	if (!parse_address(address, &parsed) || length > parsed.bits ||
		length % parsed.step != 0)
		return false;
	mask_address(&parsed, length);
	write_name(&parsed, length, out);
	return true;
}

/* As subnet_find(), in the open directory subnet/. */
static int find_in(int directory, struct address *address,
	char name[static SUBNET_NAME_SIZE], char text[static PATH_MAX])
{
	int err = -ENOENT;

	for (unsigned length = address->bits; err == -ENOENT;
		length -= address->step) {
		mask_address(address, length);
		write_name(address, length, name);
		err = tree_read_link_at(directory, name, text);
		if (length == 0)
			break;
	}
	if (err < 0)
		text[0] = '\0';
	return err == 0 || err == -EINVAL ? 1 : err == -ENOENT ? 0 : err;
}

int subnet_find(const struct tree *tree, const char *address,
	char name[static SUBNET_NAME_SIZE], char text[static PATH_MAX])
{
	struct address parsed;

	name[0] = '\0';
	if (tree_lacks(tree, TREE_SUBNET))
		return 0;
	tree_look_for_changes(tree, SUBNET_DIR);
	const int directory = openat(
		tree->root, SUBNET_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT ? 0 : -errno;
	const int found = parse_address(address, &parsed)
	                          ? find_in(directory, &parsed, name, text)
	                          : 0;
	close(directory);
	return found;
}
