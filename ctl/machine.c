/* SPDX-License-Identifier: MIT */
/*
 * Finds a machine's addresses by its MAC address. Collects what the files of
 * DHCP servers and the neighbour table say about all machines, since an address
 * may have passed to another one, then judges each address.
 */
#include "ctl/machine.h"

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "ctl/lease_sources.h"
#include "ctl/leases.h"
#include "ctl/neighbours.h"
#include "ctl/resolve.h"

/* What a file or the neighbour table says about an address. */
struct sighting {
	struct lease lease;
	const char *path; /* NULL: the neighbour table */
};

struct sightings {
	const struct mac *mac; /* of the machine that is asked for */
	const char *host;      /* its name, if its addresses are known */
	struct sighting *all;
	size_t count, size;
	const char *path; /* of what is being read */
};

static void *grow_sightings(void *all, size_t count, size_t *size, size_t bytes)
{
	if (count < *size)
		return all;
	*size = *size == 0 ? 64 : 2 * *size;
	all = reallocarray(all, *size, bytes);
	if (all == NULL)
		err(EX_OSERR, NULL);
	return all;
}

static void add_sighting(const struct lease *lease, void *context)
{
	struct sightings *sightings = context;

	if (IN6_IS_ADDR_LINKLOCAL(&lease->address.bits))
		return;
	sightings->all = grow_sightings(sightings->all, sightings->count,
		&sightings->size, sizeof sightings->all[0]);
	sightings->all[sightings->count++] =
		(struct sighting){*lease, sightings->path};
	sightings->all[sightings->count - 1].lease.name = NULL;
}

static void add_neighbour_sighting(const struct address *address,
	const struct mac *mac, bool is_confirmed, void *context)
{
	const struct lease lease = {
		.address = *address, .mac = *mac, .holds = is_confirmed};

	add_sighting(&lease, context);
}

/* Keeps an address of the host that a reservation names. */
static void add_resolved(const struct address *address, void *context)
{
	struct sightings *sightings = context;
	const struct lease lease = {.address = *address,
		.mac = *sightings->mac,
		.holds = true,
		.is_reserved = true};

	add_sighting(&lease, sightings);
}

/* An address is a name in the reservation: that of the host, in the DNS. */
static bool resolve_reserved(const char *name, int family, void *context)
{
	struct sightings *sightings = context;

	if (sightings->host != NULL && strcasecmp(name, sightings->host) == 0)
		return true;
	const int error = resolve_host(name, family, add_resolved, sightings);
	if (error != 0)
		warnx("%s, which is reserved for the machine: %s", name,
			gai_strerror(error));
	return error == 0;
}

static bool read_sightings(const char *leases, struct sightings *sightings)
{
	const struct lease_sink sink = {.found = add_sighting,
		.resolve = resolve_reserved,
		.context = sightings,
		.mac = sightings->mac};

	if (!lease_sources_read(leases, &sink, &sightings->path))
		return false;
	sightings->path = NULL;
	/* Leases are enough: go on without the neighbour table. */
	const size_t count = sightings->count;
	const int error = -neighbours_read(add_neighbour_sighting, sightings);
	if (error != 0) {
		warnx("the neighbour table: %s", strerror(error));
		sightings->count = count;
	}
	return true;
}

static void add_holding(struct machine *machine, const struct holding *holding)
{
	machine->holdings = reallocarray(
		machine->holdings, machine->count + 1, sizeof *holding);
	if (machine->holdings == NULL)
		err(EX_OSERR, NULL);
	machine->holdings[machine->count++] = *holding;
}

bool machine_has(const struct machine *machine, const struct address *address)
{
	for (size_t i = 0; i < machine->count; i++) {
		if (address_compare(&machine->holdings[i].address, address) ==
			0)
			return true;
	}
	return false;
}

/* What all sightings of an address mean for a machine. */
struct verdict {
	const struct sighting *leased; /* leased to this machine now */
	bool is_leased_twice, is_neighbour, was_leased, was_neighbour, is_lost;
	bool is_reserved; /* for this machine */
	bool other_holds; /* not only reserved for it */
	struct mac other;
};

/*
 * Whether a reservation for another card is for this machine's, too: several
 * cards of one machine may have one address.
 */
static bool is_shared(const struct sightings *sightings,
	const struct sighting *other, const struct mac *mac)
{
	for (size_t i = 0; other->lease.record != 0 && i < sightings->count;
		i++) {
		const struct sighting *own = &sightings->all[i];
		if (own->path == other->path &&
			own->lease.record == other->lease.record &&
			mac_equal(&own->lease.mac, mac) &&
			address_compare(&own->lease.address,
				&other->lease.address) == 0)
			return true;
	}
	return false;
}

static void weigh_other(const struct lease *lease, struct verdict *verdict)
{
	verdict->is_lost = true;
	/* Who has it now says more than for whom it is. */
	if (lease->is_reserved && verdict->other_holds)
		return;
	verdict->other = lease->mac;
	verdict->other_holds = !lease->is_reserved;
}

static void weigh_sighting(const struct sighting *sighting,
	const struct mac *mac, struct verdict *verdict)
{
	const struct lease *lease = &sighting->lease;

	if (!mac_equal(&lease->mac, mac)) {
		if (lease->holds)
			weigh_other(lease, verdict);
	} else if (lease->is_reserved) {
		verdict->is_reserved = true;
	} else if (sighting->path == NULL) {
		verdict->was_neighbour = true;
		verdict->is_neighbour = verdict->is_neighbour || lease->holds;
	} else {
		verdict->was_leased = true;
		if (!lease->holds)
			return;
		verdict->is_leased_twice |= verdict->leased != NULL;
		verdict->leased = sighting;
	}
}

static struct verdict judge_address(const struct sightings *sightings,
	const struct mac *mac, const struct address *address)
{
	struct verdict verdict = {.leased = NULL};
	const char *followed = NULL; /* file of the last sighting */

	for (size_t i = sightings->count; i-- > 0;) {
		const struct sighting *sighting = &sightings->all[i];
		if (address_compare(&sighting->lease.address, address) != 0)
			continue;
		if (sighting->lease.is_followed && sighting->path == followed)
			continue;
		if (sighting->lease.is_followed)
			followed = sighting->path;
		if (mac_equal(&sighting->lease.mac, mac) ||
			!is_shared(sightings, sighting, mac))
			weigh_sighting(sighting, mac, &verdict);
	}
	return verdict;
}

static struct holding make_holding(
	const struct address *address, const struct verdict *verdict)
{
	struct holding holding = {.address = *address, .state = HOLDING_PAST};

	if (verdict->leased != NULL) {
		holding.state = HOLDING_NOW;
		holding.how = "leased";
		holding.path = verdict->leased->path;
		if (!verdict->is_leased_twice)
			holding.order = verdict->leased->lease.order;
	} else if (verdict->is_reserved) {
		holding.state = HOLDING_NOW;
		holding.how = "reserved";
	} else if (verdict->is_neighbour) {
		holding.how = "a neighbour, but in no lease";
	} else if (verdict->was_neighbour) {
		holding.how =
			"an unconfirmed neighbour (ping it and try again)";
	} else if (verdict->was_leased) {
		holding.how = "its lease has expired";
	} else {
		holding.state = HOLDING_LOST;
		holding.how = "leased to another machine since";
	}
	if (verdict->is_lost) {
		holding.state = HOLDING_LOST;
		holding.how = !mac_is_known(&verdict->other)
		                      ? "another machine has it"
		              : verdict->other_holds ? "in use by"
		                                     : "reserved for";
		holding.other = verdict->other;
	}
	return holding;
}

/* Without a lease and a reservation, confirmed neighbour entries count. */
static void use_neighbours(struct machine *machine, const struct mac *mac,
	const struct sightings *sightings)
{
	for (size_t i = 0; i < machine->count; i++) {
		struct holding *holding = &machine->holdings[i];
		const struct verdict verdict =
			judge_address(sightings, mac, &holding->address);
		if (verdict.is_neighbour && !verdict.is_lost) {
			holding->state = HOLDING_NOW;
			holding->how = "neighbour";
		}
	}
}

static int compare_holdings(const void *a, const void *b)
{
	const struct holding *one = a, *other = b;

	return address_compare(&one->address, &other->address);
}

static void find_holdings(const struct sightings *sightings,
	const struct mac *mac, bool takes_neighbours, struct machine *out)
{
	bool any_lease = false;

	for (size_t i = 0; i < sightings->count; i++) {
		const struct lease *lease = &sightings->all[i].lease;
		if (!mac_equal(&lease->mac, mac) ||
			machine_has(out, &lease->address))
			continue;
		const struct verdict verdict =
			judge_address(sightings, mac, &lease->address);
		const struct holding holding =
			make_holding(&lease->address, &verdict);
		add_holding(out, &holding);
		any_lease = any_lease || verdict.leased != NULL ||
		            verdict.is_reserved;
	}
	if (takes_neighbours && !any_lease)
		use_neighbours(out, mac, sightings);
	if (out->count > 0)
		qsort(out->holdings, out->count, sizeof out->holdings[0],
			compare_holdings);
}

bool machine_of_mac(const struct mac *mac, const char *host, const char *leases,
	struct machine *out)
{
	struct sightings sightings = {.mac = mac, .host = host};

	*out = (struct machine){.count = 0};
	const bool done = read_sightings(leases, &sightings);
	if (done)
		find_holdings(&sightings, mac, leases == NULL, out);
	free(sightings.all);
	return done;
}

void machine_reason(
	const struct holding *holding, char out[static MACHINE_REASON_SIZE])
{
	char other[MAC_SIZE] = "";

	if (mac_is_known(&holding->other))
		mac_text(&holding->other, other);
	snprintf(out, MACHINE_REASON_SIZE, "%s%s%s",
		holding->how == NULL ? "" : holding->how,
		other[0] == '\0' ? "" : " ", other);
}

void machine_add(struct machine *machine, const struct address *address)
{
	const struct holding holding = {
		.address = *address, .state = HOLDING_NOW};

	if (!machine_has(machine, address))
		add_holding(machine, &holding);
}

void machine_merge(struct machine *machine, const struct machine *other)
{
	for (size_t i = 0; i < other->count; i++) {
		if (!machine_has(machine, &other->holdings[i].address))
			add_holding(machine, &other->holdings[i]);
	}
}

void machine_free(struct machine *machine)
{
	free(machine->holdings);
}

size_t machine_count(const struct machine *machine, enum holding_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < machine->count; i++)
		count += machine->holdings[i].state == state;
	return count;
}

const struct holding *machine_newest(const struct machine *machine)
{
	const struct holding *newest = NULL;
	bool is_alone = true;

	for (size_t i = 0; i < machine->count; i++) {
		const struct holding *one = &machine->holdings[i];
		if (one->state != HOLDING_NOW)
			continue;
		if (one->order == 0)
			return NULL;
		if (newest != NULL && newest->path != one->path)
			return NULL;
		if (newest == NULL || one->order > newest->order) {
			newest = one;
			is_alone = true;
		} else if (one->order == newest->order) {
			is_alone = false;
		}
	}
	return is_alone ? newest : NULL;
}
