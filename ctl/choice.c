/* SPDX-License-Identifier: MIT */
/*
 * An operator who names a machine means one machine. A second link would stay
 * armed until some machine boots with that address, another one perhaps.
 */
#include "ctl/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "ctl/machine.h"

static bool act(const struct each *each, const struct holding *holding)
{
	struct client client;

	address_client(&holding->address, &client);
	return each->action(each->ctl, &client, each->context);
}

/* The addresses in a state, or in a better one, but for this one. */
static void print_holdings(const struct machine *machine,
	enum holding_state state, const struct holding *but)
{
	static const struct mac nobody;
	struct client client;
	char mac[MAC_SIZE];

	for (size_t i = 0; i < machine->count; i++) {
		const struct holding *holding = &machine->holdings[i];
		if (holding == but || holding->state < state)
			continue;
		address_client(&holding->address, &client);
		fprintf(stderr, "  %s", client.name);
		if (holding->how != NULL)
			fprintf(stderr, "  %s", holding->how);
		mac_text(&holding->other, mac);
		fprintf(stderr, "%s%s\n",
			mac_is(&holding->other, &nobody) ? "" : " ",
			mac_is(&holding->other, &nobody) ? "" : mac);
	}
}

static bool refuse_unknown(const struct each *each, const char *word)
{
	const char *leases = each->ctl->leases;

	if (leases == NULL)
		return clients_refuse(
			word, "not in the neighbour table, and in no lease");
	return clients_refuse(word, "in no lease of %s", leases);
}

static bool refuse_lost(const char *word, const struct machine *machine)
{
	clients_refuse(word,
		"can't tell which address it has now; addresses known for it:");
	print_holdings(machine, HOLDING_LOST, NULL);
	return false;
}

static bool act_for_all(const struct each *each, const struct machine *machine,
	enum holding_state state)
{
	bool done = true;

	for (size_t i = 0; i < machine->count; i++) {
		if (machine->holdings[i].state >= state)
			done = act(each, &machine->holdings[i]) && done;
	}
	return done;
}

static bool act_for_one(const struct each *each, const char *word,
	const struct machine *machine)
{
	const size_t count = machine_count(machine, HOLDING_NOW);

	if (count == 0)
		return refuse_lost(word, machine);
	if (count == 1 || each->ctl->each)
		return act_for_all(each, machine, HOLDING_NOW);

	const struct holding *newest = machine_newest(machine);
	if (newest == NULL) {
		clients_refuse(word,
			"%zu addresses, so nothing was done (name one, or take "
			"all with --each):",
			count);
		print_holdings(machine, HOLDING_NOW, NULL);
		return false;
	}
	clients_refuse(word,
		"%zu leases, of which the newest counts, and not these "
		"(--each takes all):",
		count);
	print_holdings(machine, HOLDING_NOW, newest);
	return act(each, newest);
}

static bool has_entry(const struct each *each, const struct holding *holding)
{
	struct client client;
	char path[64];
	struct stat st;

	address_client(&holding->address, &client);
	snprintf(path, sizeof path, "%s/%s", each->directory, client.name);
	return fstatat(each->ctl->tree.root, path, &st, AT_SYMLINK_NOFOLLOW) ==
	               0 ||
	       errno != ENOENT;
}

static bool leave_alone(const struct each *each, const struct holding *holding)
{
	struct client client;
	char path[64];

	address_client(&holding->address, &client);
	snprintf(path, sizeof path, "%s/%s", each->directory, client.name);
	return clients_refuse(
		path, "left alone: another machine has the address now");
}

static bool act_for_entries(const struct each *each, const char *word,
	const struct machine *machine)
{
	unsigned found = 0;
	bool done = true;

	for (size_t i = 0; i < machine->count; i++) {
		const struct holding *holding = &machine->holdings[i];
		if (!has_entry(each, holding))
			continue;
		found++;
		done = (holding->state == HOLDING_LOST
				       ? leave_alone(each, holding)
				       : act(each, holding)) &&
		       done;
	}
	if (found > 0)
		return done;
	clients_refuse(
		word, "none of its addresses is in %s/:", each->directory);
	print_holdings(machine, HOLDING_LOST, NULL);
	return false;
}

bool choice_act(const struct each *each, const char *word,
	const struct machine *machine)
{
	if (machine->count == 0)
		return refuse_unknown(each, word);
	switch (each->choice) {
	case CHOICE_ONE:
		return act_for_one(each, word, machine);
	case CHOICE_ENTRIES:
		return act_for_entries(each, word, machine);
	default:
		if (machine_count(machine, HOLDING_LOST) == machine->count)
			return refuse_lost(word, machine);
		return act_for_all(each, machine, HOLDING_PAST);
	}
}
