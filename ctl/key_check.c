/* SPDX-License-Identifier: MIT */
/* Finds entries that no machine gets, because of what they are called. */
#include "ctl/key_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/client.h"
#include "boot/subnet.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/mac.h"
#include "ctl/machine.h"
#include "ctl/names.h"

/* Fills in the problem, with advice as of printf(3). Returns true. */
__attribute__((format(printf, 3, 4))) static bool set_problem(
	struct key_problem *out, const char *problem, const char *advice, ...)
{
	va_list args;

	out->problem = problem;
	va_start(args, advice);
	vsnprintf(out->advice, sizeof out->advice, advice, args);
	va_end(args);
	return true;
}

static void ignore(const char *identity, void *context)
{
	(void)identity;
	(void)context;
}

/* Checks the name of an entry in once/, until/ or static/. */
static bool check_machine(
	const struct ctl *ctl, const char *key, struct key_problem *out)
{
	char canonical[KEY_SIZE];

	if (names_parse_identity(key, canonical)) {
		char name[KEY_SIZE];
		if (strcmp(canonical, key) != 0)
			return set_problem(out,
				"its name is not the canonical form of its address, so no client ever gets it",
				"rename it to %s", canonical);
		if (names_of(&ctl->tree, key, name))
			return set_problem(out,
				"its machine has a name, and this entry is for one of its addresses alone",
				"make it an entry of %s: pxesrvctl does, by whichever address",
				name);
		return false;
	}
	if (!identity_is_name(key))
		return set_problem(out,
			"its name is neither an address nor a machine's name, so no client ever gets it",
			"use pxesrvctl, which takes host names and MAC addresses");
	if (names_each_identity(&ctl->tree, key, ignore, NULL) == 0)
		return set_problem(out,
			"its name is not an IP address, and no machine has this name, so no client ever gets it",
			"call it by an address, or run pxesrvctl name %s ADDRESS...",
			key);
	return false;
}

/* Whether an address that a MAC address has now belongs to another name. */
static bool check_other_names(const struct ctl *ctl, const struct mac *mac,
	const char *name, struct key_problem *out)
{
	static bool is_hopeless; /* a file can't be read: said once */
	struct machine machine;
	struct client client;
	char other[KEY_SIZE];
	bool is_found = false;

	if (is_hopeless || !machine_of_mac(mac, NULL, ctl->leases, &machine)) {
		is_hopeless = true;
		return false;
	}
	for (size_t i = 0; !is_found && i < machine.count; i++) {
		address_client(&machine.holdings[i].address, &client);
		if (machine.holdings[i].state != HOLDING_NOW ||
			!names_of(&ctl->tree, client.key, other) ||
			strcmp(name, other) == 0)
			continue;
		is_found = set_problem(out,
			"the machine has two names: this one, and that of its IP address",
			"%s is %s: run pxesrvctl name --force", client.key,
			other);
	}
	machine_free(&machine);
	return is_found;
}

static bool check_identity(const struct ctl *ctl, const struct entry *entry,
	struct key_problem *out)
{
	const char *identity = entry->client;
	struct mac mac;
	const char *why;
	char canonical[KEY_SIZE];

	if (!names_parse_identity(identity, canonical))
		return set_problem(out,
			"it is not called by an IP or MAC address or a UUID, so no machine is found by it",
			"use pxesrvctl name");
	if (strcmp(canonical, identity) != 0)
		return set_problem(out,
			"its name is not the canonical form of its address, so no machine is found by it",
			"rename it to %s", canonical);
	return mac_parse(identity, &mac, &why) &&
	       check_other_names(ctl, &mac, entry->link_text, out);
}

/* The text of the entry that machines would get without this subnet. */
static bool read_wider_text(const struct ctl *ctl, const char *address,
	unsigned length, char text[static PATH_MAX])
{
	char name[SUBNET_NAME_SIZE], path[ENTRY_PATH_SIZE];

	while (length-- > 0) {
		if (!subnet_name(address, length, name))
			continue;
		snprintf(path, sizeof path, SUBNET_DIR "/%s", name);
		const int err = tree_read_link(&ctl->tree, path, text);
		if (err != -ENOENT)
			return err == 0;
	}
	return false;
}

static bool check_subnet(const struct ctl *ctl, const struct entry *entry,
	struct key_problem *out)
{
	const char *key = entry->client;
	char name[SUBNET_NAME_SIZE], text[PATH_MAX];
	struct subnet subnet;

	if (!subnet_parse(key, "_", &subnet) ||
		!subnet_name(subnet.address, subnet.length, name))
		return set_problem(out,
			"its name is no subnet, so no client ever gets it",
			"call it as 10.0.7.0_24, or 2001:db8:7::_64 with a length that is a multiple of 4");
	if (strcmp(name, key) != 0)
		return set_problem(out,
			"its name is not the canonical form of its subnet, so no client ever gets it",
			"rename it to %s", name);
	if (entry->link_text[0] != '\0' &&
		read_wider_text(ctl, subnet.address, subnet.length, text) &&
		strcmp(text, entry->link_text) == 0)
		return set_problem(out,
			"it changes nothing: the next wider subnet with an entry has the same target",
			"remove it, or change its target");
	return false;
}

bool key_check(const struct ctl *ctl, const struct entry *entry,
	struct key_problem *out)
{
	switch (entry->kind) {
	case ENTRY_ARMED:
	case ENTRY_UNTIL:
	case ENTRY_STATIC:
		return check_machine(ctl, entry->client, out);
	case ENTRY_SUBNET:
		return check_subnet(ctl, entry, out);
	case ENTRY_NAME:
		return check_identity(ctl, entry, out);
	default:
		return false;
	}
}
