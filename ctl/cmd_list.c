/* SPDX-License-Identifier: MIT */
/* pxesrvctl list: shows the entries of the tree, for people or for programs. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "boot/text.h"
#include "boot/tree.h"
#include "ctl/address.h"
#include "ctl/as_user.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/print.h"

/* A name to sort: addresses by number, then other names. */
struct name {
	struct address address;
	bool is_address;
	size_t at; /* where its text begins in texts */
};

struct listing {
	struct ctl *ctl;
	enum entry_kind kind;
	bool broken_only, is_terminal;
	time_t now;
	struct name *names; /* empty with -U */
	size_t count, room;
	char *texts; /* texts of all names, each with its NUL */
	size_t texts_size, texts_room;
};

static void print_entry_json(const struct entry *entry)
{
	char when[AGE_SIZE];

	format_time(entry->since, when);
	print_json(json_pack("{s:o,s:s,s:o,s:o?,s:o?,s:s,s:s?}", "client",
		json_string_of(entry->client), "kind",
		entry_places[entry->kind].word, "entry",
		json_string_of(entry->path), "target",
		entry->link_text[0] == '\0' ? NULL
					    : json_string_of(entry->link_text),
		"size", entry->size < 0 ? NULL : json_integer(entry->size),
		"since", when, "problem", entry->problem));
}

/* For people: in columns, the long ones last. */
static void print_entry_row(const struct entry *entry, const char *client,
	const char *target, time_t now)
{
	char age[AGE_SIZE], size[AGE_SIZE];

	format_age((long long)(now - entry->since), age);
	snprintf(size, sizeof size, "%lld", (long long)entry->size);
	printf("%-15s  %-9s  %10s  %8s  ", client,
		entry_places[entry->kind].word, entry->size < 0 ? "-" : size,
		age);
	/* once/.. is the root. */
	if (strncmp(target, "../", 3) == 0)
		target += 3;
	print_coloured(entry->problem == NULL ? PLAIN : BAD, target);
	if (entry->problem != NULL) {
		print_coloured(BAD, ": ");
		print_coloured(BAD, entry->problem);
	}
	putchar('\n');
}

/* For programs: separated by tabs. */
static void print_entry_fields(
	const struct entry *entry, const char *client, const char *target)
{
	char when[AGE_SIZE], size[AGE_SIZE];

	format_time(entry->since, when);
	snprintf(size, sizeof size, "%lld", (long long)entry->size);
	printf("%s\t%s\t%s\t%s\t%s\t%s\n", client,
		entry_places[entry->kind].word, entry->size < 0 ? "-" : size,
		when, target, entry->problem == NULL ? "-" : entry->problem);
}

static void print_entry(const struct listing *listing, const char *name)
{
	char client[4 * NAME_MAX + 1], target[PATH_MAX];
	struct entry entry;

	if (!entry_look(listing->ctl, listing->kind, name, &entry) ||
		(listing->broken_only && entry.problem == NULL))
		return;
	if (listing->ctl->json) {
		print_entry_json(&entry);
		return;
	}
	escape_line(entry.client, client, sizeof client);
	escape_line(entry.link_text[0] == '\0' ? "-" : entry.link_text, target,
		sizeof target);
	if (listing->is_terminal)
		print_entry_row(&entry, client, target, listing->now);
	else
		print_entry_fields(&entry, client, target);
}

/* Grows an array to at least needed members of size bytes. */
static void *grow_array(void *array, size_t needed, size_t *room, size_t size)
{
	if (needed <= *room)
		return array;
	*room = 2 * needed + 1024;
	array = reallocarray(array, *room, size);
	if (array == NULL)
		err(EX_OSERR, NULL);
	return array;
}

/* Some kinds have a suffix behind the client: leave it out. */
static bool parse_entry_address(
	enum entry_kind kind, const char *text, struct address *out)
{
	char client[NAME_MAX + 1];

	snprintf(client, sizeof client, "%s", text);
	char *dot = entry_places[kind].has_suffix ? strrchr(client, '.') : NULL;
	if (dot != NULL)
		*dot = '\0';
	return address_parse(client, out);
}

static void add_name(struct listing *listing, const char *text)
{
	const size_t size = strlen(text) + 1;
	struct name name = {.at = listing->texts_size};

	name.is_address =
		parse_entry_address(listing->kind, text, &name.address);
	listing->texts = grow_array(listing->texts, listing->texts_size + size,
		&listing->texts_room, 1);
	memcpy(listing->texts + listing->texts_size, text, size);
	listing->texts_size += size;
	listing->names = grow_array(listing->names, listing->count + 1,
		&listing->room, sizeof name);
	listing->names[listing->count++] = name;
}

static void found_entry(const char *name, void *context)
{
	struct listing *listing = context;

	if (listing->ctl->unsorted)
		print_entry(listing, name);
	else if (name[0] != '.')
		add_name(listing, name);
}

static int compare_by_address(const void *left, const void *right, void *texts)
{
	const struct name *a = left, *b = right;
	const int by_address =
		a->is_address && b->is_address
			? address_compare(&a->address, &b->address)
			: b->is_address - a->is_address;

	return by_address != 0
	               ? by_address
	               : strcmp((char *)texts + a->at, (char *)texts + b->at);
}

static void print_sorted(struct listing *listing)
{
	if (listing->count > 0)
		qsort_r(listing->names, listing->count,
			sizeof listing->names[0], compare_by_address,
			listing->texts);
	for (size_t i = 0; i < listing->count; i++)
		print_entry(listing, listing->texts + listing->names[i].at);
	listing->count = listing->texts_size = 0;
}

static bool list_kind(struct listing *listing, enum entry_kind kind)
{
	const char *directory = entry_places[kind].directory;

	listing->kind = kind;
	const int error =
		-entry_each(&listing->ctl->tree, kind, found_entry, listing);
	print_sorted(listing);
	if (error != 0)
		warnx("%s/%s: %s", listing->ctl->root, directory,
			strerror(error));
	return error == 0;
}

/* Reads kinds, or "broken". served includes cancelled: rearm takes both. */
static void choose_kinds(int count, char *const operands[],
	bool kinds[static ENTRY_KINDS], bool *broken)
{
	for (int i = 0; i < count; i++) {
		int kind = 0;
		while (kind < ENTRY_CANCELLED &&
			strcmp(operands[i], entry_places[kind].word) != 0)
			kind++;
		if (kind < ENTRY_CANCELLED)
			kinds[kind] = true;
		else if (strcmp(operands[i], "broken") == 0)
			*broken = true;
		else
			errx(EX_USAGE,
				"list %s: not one of armed, until, static, subnet, name, unsure, done, served, broken",
				operands[i]);
	}
	kinds[ENTRY_CANCELLED] = kinds[ENTRY_SERVED];
}

bool cmd_list(struct ctl *ctl, int count, char *const operands[])
{
	struct listing listing = {.ctl = ctl,
		.is_terminal = isatty(STDOUT_FILENO) != 0,
		.now = time(NULL)};
	bool kinds[ENTRY_KINDS] = {false}, done = true, any = false;

	choose_kinds(count, operands, kinds, &listing.broken_only);
	for (int kind = 0; kind < ENTRY_KINDS; kind++)
		any = any || kinds[kind];
	as_user_begin_reading(ctl);
	for (int kind = 0; kind < ENTRY_KINDS; kind++) {
		if (kinds[kind] || !any)
			done = list_kind(&listing, (enum entry_kind)kind) &&
			       done;
	}
	as_user_end();
	free(listing.names);
	free(listing.texts);
	return done;
}
