/* SPDX-License-Identifier: MIT */
/*
 * Finds machines by their host names in the files of DHCP servers. A name
 * belongs to a card, whose addresses are then found as for a MAC address. Only
 * where a server knows the machine by something else, such as a DUID, the name
 * belongs to an address.
 */
#include "ctl/host.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "boot/text.h"
#include "ctl/lease_sources.h"
#include "ctl/leases.h"
#include "ctl/machine.h"
#include "ctl/print.h"

struct host_search {
	const char *name;
	const char *source; /* being read */
	struct hosts hosts;
};

static size_t name_length(const char *name)
{
	const size_t length = strlen(name);

	return length > 0 && name[length - 1] == '.' ? length - 1 : length;
}

bool host_name_matches(const char *asked, const char *found)
{
	const size_t length = name_length(asked), others = name_length(found);

	if (length == 0 || others < length ||
		strncasecmp(asked, found, length) != 0)
		return false;
	return others == length ||
	       (found[length] == '.' && memchr(asked, '.', length) == NULL);
}

/* A declaration may have the name twice, and a file may be read twice. */
static bool has_member(
	const struct host *host, const struct host_member *member)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct host_member *one = &host->members[i];
		if (mac_equal(&one->mac, &member->mac) &&
			address_compare(&one->address, &member->address) == 0 &&
			one->record == member->record &&
			one->source == member->source)
			return true;
	}
	return false;
}

static struct host_member *grow_members(struct host_member *all, size_t count)
{
	all = reallocarray(all, count, sizeof *all);
	if (all == NULL)
		err(EX_OSERR, NULL);
	return all;
}

static void add_member(struct host *host, const struct host_member *member)
{
	if (has_member(host, member))
		return;
	host->members = grow_members(host->members, host->count + 1);
	host->members[host->count++] = *member;
}

static void add_reserved(const struct lease_host *found, void *context)
{
	struct host_search *search = context;
	struct host_member member = {.mac = found->mac,
		.address = found->address,
		.record = found->record,
		.source = search->source};

	if (!host_name_matches(search->name, found->name))
		return;
	snprintf(member.name, sizeof member.name, "%s", found->name);
	add_member(&search->hosts.reserved, &member);
}

/* A later record of an address replaces those before it in the file. */
static void forget_followed(
	struct host_search *search, const struct address *address)
{
	struct host *host = &search->hosts.leased;
	size_t kept = 0;

	for (size_t i = 0; i < host->count; i++) {
		const struct host_member *one = &host->members[i];
		if (one->source != search->source ||
			address_compare(&one->address, address) != 0)
			host->members[kept++] = *one;
	}
	host->count = kept;
}

static void add_leased(const struct lease *lease, void *context)
{
	struct host_search *search = context;
	struct host_member member = {.mac = lease->mac,
		.address = lease->address,
		.source = search->source};

	if (lease->is_followed)
		forget_followed(search, &lease->address);
	if (!lease->holds || lease->name == NULL ||
		IN6_IS_ADDR_LINKLOCAL(&lease->address.bits) ||
		!host_name_matches(search->name, lease->name))
		return;
	snprintf(member.name, sizeof member.name, "%s", lease->name);
	add_member(&search->hosts.leased, &member);
}

static bool has_card(const struct host_member *member)
{
	return mac_is_known(&member->mac);
}

static bool are_one_machine(
	const struct host_member *one, const struct host_member *other)
{
	if (one->record != 0 && one->record == other->record &&
		one->source == other->source)
		return true;
	if (has_card(one) || has_card(other))
		return mac_equal(&one->mac, &other->mac);
	return address_compare(&one->address, &other->address) == 0;
}

static void join(struct host *host, unsigned machine, unsigned into)
{
	for (size_t i = 0; i < host->count; i++) {
		if (host->members[i].machine == machine)
			host->members[i].machine = into;
	}
}

/* Numbers the machines. */
static void tell_machines_apart(struct host *host)
{
	for (size_t i = 0; i < host->count; i++) {
		struct host_member *one = &host->members[i];
		one->machine = (unsigned)i;
		for (size_t j = 0; j < i; j++) {
			const struct host_member *other = &host->members[j];
			if (one->machine != other->machine &&
				are_one_machine(one, other))
				join(host, one->machine, other->machine);
		}
	}
}

bool hosts_find(const char *name, const char *leases, struct hosts *out)
{
	struct host_search search = {.name = name};
	const struct lease_sink sink = {
		.found = add_leased, .named = add_reserved, .context = &search};

	const bool done = lease_sources_read(leases, &sink, &search.source);
	if (!done)
		hosts_free(&search.hosts);
	*out = search.hosts;
	tell_machines_apart(&out->reserved);
	tell_machines_apart(&out->leased);
	return done;
}

void hosts_free(struct hosts *hosts)
{
	free(hosts->reserved.members);
	free(hosts->leased.members);
	*hosts = (struct hosts){.reserved = {NULL, 0}};
}

/* Whether a machine has nothing but IPv6 addresses without a card. */
static bool is_of_duid(const struct host *host, unsigned machine)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct host_member *one = &host->members[i];
		if (one->machine == machine &&
			(has_card(one) ||
				IN6_IS_ADDR_V4MAPPED(&one->address.bits)))
			return false;
	}
	return true;
}

/* A machine's reservation for IPv6 may have its DUID, the other one its MAC. */
unsigned host_machines(const struct host *host)
{
	unsigned by_duid = 0, others = 0;

	for (size_t i = 0; i < host->count; i++) {
		const unsigned machine = host->members[i].machine;
		bool is_first = true;
		for (size_t j = 0; j < i; j++)
			is_first &= host->members[j].machine != machine;
		if (is_first && is_of_duid(host, machine))
			by_duid++;
		else if (is_first)
			others++;
	}
	return by_duid > others ? by_duid : others;
}

void host_warn_of_several(const char *name, const struct host *host)
{
	char text[MAC_SIZE], shown[4 * HOST_NAME_SIZE + 1];
	struct client client;

	print_error(name,
		"%u machines have this host name, so nothing was done (give addresses; if they are one machine: pxesrvctl name %s ADDRESS...):",
		host_machines(host), name);
	for (size_t i = 0; i < host->count; i++) {
		const struct host_member *one = &host->members[i];
		mac_text(&one->mac, text);
		address_client(&one->address, &client);
		escape_line(one->name, shown, sizeof shown);
		fprintf(stderr, "  %s  %s, in %s\n",
			has_card(one) ? text : client.key, shown, one->source);
	}
}

bool host_add_addresses(const char *name, const struct host_member *member,
	const char *leases, struct machine *out)
{
	struct machine machine;

	if (!has_card(member)) {
		machine_add(out, &member->address);
		return true;
	}
	if (!machine_of_mac(&member->mac, name, leases, &machine))
		return false;
	machine_merge(out, &machine);
	machine_free(&machine);
	return true;
}

const struct mac *host_only_card(const struct host *host)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct host_member *one = &host->members[i];
		if (!has_card(one) ||
			!mac_equal(&one->mac, &host->members[0].mac))
			return NULL;
	}
	return host->count == 0 ? NULL : &host->members[0].mac;
}
