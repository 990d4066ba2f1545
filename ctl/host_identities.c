/* SPDX-License-Identifier: MIT */
/*
 * Lists the identities of a machine by its host name, from DNS and from the
 * files of DHCP servers.
 */
#include "ctl/host_identities.h"

#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ctl/ctl.h"
#include "ctl/host.h"
#include "ctl/identifying.h"
#include "ctl/machine.h"
#include "ctl/print.h"
#include "ctl/resolve.h"

struct listing {
	struct ctl *ctl;
	const char *name;
	identity_action *action;
	void *context;
	struct machine dns, all; /* addresses */
	struct hosts hosts;
	const struct host *host; /* the ones that count */
	unsigned count;          /* identities that were acted for */
	bool done;
};

static void add_address(const struct address *address, void *context)
{
	machine_add(context, address);
}

/* Whether DNS has an address of a member: it is the host then. */
static bool is_in_dns(
	const struct listing *listing, const struct host_member *member)
{
	struct machine machine = {.count = 0};
	bool is = false;

	if (host_add_addresses(
		    listing->name, member, listing->ctl->leases, &machine)) {
		for (size_t i = 0; !is && i < machine.count; i++)
			is = machine_has(
				&listing->dns, &machine.holdings[i].address);
	}
	machine_free(&machine);
	return is;
}

/* Several machines are one only if DNS has an address of each for the name. */
static bool is_one_machine(const struct listing *listing)
{
	bool is = true;

	if (host_machines(listing->host) < 2)
		return true;
	for (size_t i = 0; is && i < listing->host->count; i++)
		is = is_in_dns(listing, &listing->host->members[i]);
	return is;
}

static void act(struct listing *listing, const char *identity)
{
	listing->done =
		listing->action(identity, listing->context) && listing->done;
	listing->count++;
}

/* A lease is nothing that lasts, but a name is. */
static void warn_if_unreserved(const struct listing *listing,
	const struct holding *holding, const char *key)
{
	const char *how = holding->how;

	if (how == NULL && listing->host == &listing->hosts.leased)
		how = "leased";
	if (how == NULL || strcmp(how, "reserved") == 0)
		return;
	fflush(stdout);
	warnx("warning: %s is not reserved for %s (%s), so another machine may get it later",
		key, listing->name, how);
}

static void act_for_holding(
	struct listing *listing, const struct holding *holding)
{
	struct client client;
	char reason[MACHINE_REASON_SIZE];

	address_client(&holding->address, &client);
	if (holding->state == HOLDING_NOW) {
		act(listing, client.key);
		warn_if_unreserved(listing, holding, client.key);
	} else if (holding->state == HOLDING_LOST) {
		machine_reason(holding, reason);
		listing->done = print_error(client.key, "left out: %s", reason);
	}
}

/* MAC addresses name entries only where machines say theirs. */
static void act_for_cards(struct listing *listing)
{
	const struct host *host = listing->host;
	char text[MAC_SIZE];

	for (size_t i = 0; i < host->count; i++) {
		bool is_new = mac_is_known(&host->members[i].mac);
		for (size_t j = 0; j < i; j++)
			is_new = is_new && !mac_equal(&host->members[i].mac,
						   &host->members[j].mac);
		if (!is_new || !identifying_by_mac(listing->ctl))
			continue;
		mac_text(&host->members[i].mac, text);
		act(listing, text);
	}
}

static void act_for_all(struct listing *listing)
{
	const struct host *host = listing->host;

	machine_merge(&listing->all, &listing->dns);
	for (size_t i = 0; listing->done && i < host->count; i++)
		listing->done = host_add_addresses(listing->name,
			&host->members[i], listing->ctl->leases, &listing->all);
	if (!listing->done)
		return;
	for (size_t i = 0; i < listing->all.count; i++)
		act_for_holding(listing, &listing->all.holdings[i]);
	act_for_cards(listing);
}

/* error is that of DNS, or 0. */
static bool list_identities(struct listing *listing, int error)
{
	const struct hosts *hosts = &listing->hosts;

	listing->host = hosts->reserved.count == 0 && listing->dns.count == 0
	                        ? &hosts->leased
	                        : &hosts->reserved;
	if (!is_one_machine(listing)) {
		host_warn_of_several(listing->name, listing->host);
		return false;
	}
	act_for_all(listing);
	if (listing->count > 0 || !listing->done)
		return listing->done;
	if (listing->host->count > 0)
		return print_error(listing->name,
			"it has no address in DNS, in a reservation or in a lease; give its addresses");
	return print_error(listing->name,
		"in no reservation and no lease; as a host name: %s; give its addresses",
		gai_strerror(error));
}

/* Some file can't be read, so DNS alone counts. */
static bool list_dns(struct listing *listing, int error)
{
	if (error != 0)
		return print_error(listing->name,
			"as a host name: %s; give its addresses",
			gai_strerror(error));
	list_identities(listing, error);
	return print_error(listing->name,
		"only the addresses in DNS were taken, since not all reservations can be read");
}

bool host_identities(struct ctl *ctl, const char *name, identity_action *action,
	void *context)
{
	struct listing listing = {.ctl = ctl,
		.name = name,
		.action = action,
		.context = context,
		.done = true};

	const int error =
		resolve_host(name, AF_UNSPEC, add_address, &listing.dns);
	const bool done = hosts_find(name, ctl->leases, &listing.hosts)
	                          ? list_identities(&listing, error)
	                          : list_dns(&listing, error);
	machine_free(&listing.dns);
	machine_free(&listing.all);
	hosts_free(&listing.hosts);
	return done;
}
