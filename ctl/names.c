/* SPDX-License-Identifier: MIT */
/* Looks names up in names/, from identity to name and back. */
#include "ctl/names.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "boot/client.h"
#include "boot/tree.h"
#include "ctl/mac.h"

bool names_parse_identity(const char *text, char out[static KEY_SIZE])
{
	char uuid[UUID_KEY_SIZE];
	struct client client;
	struct mac mac;
	const char *why;

	if (client_parse(text, &client))
		strcpy(out, client.key);
	else if (identity_parse_uuid(text, uuid))
		strcpy(out, uuid);
	else if (mac_parse(text, &mac, &why))
		mac_text(&mac, out);
	else
		return false;
	return true;
}

bool names_of(const struct tree *tree, const char *identity,
	char out[static KEY_SIZE])
{
	char path[ENTRY_PATH_SIZE], text[PATH_MAX];

	snprintf(path, sizeof path, NAMES_DIR "/%s", identity);
	if (tree_read_link(tree, path, text) < 0 || !identity_is_name(text))
		return false;
	strcpy(out, text);
	return true;
}

struct named {
	char name[KEY_SIZE], identity[KEY_SIZE];
	size_t number; /* in the order of the directory */
};

/*
 * What names/ had when it was read, by name. Thousands of machines may be asked
 * for, so names/ is read again only if it has changed.
 */
static struct {
	struct named *all;
	size_t count, room;
	struct stat directory; /* st_ino is 0: not read yet */
} known;

static void add_named(const char *identity, void *context)
{
	const struct tree *const *tree = context;
	struct named named = {.number = known.count};
	char canonical[KEY_SIZE];

	/* The responder looks for canonical text alone. */
	if (!names_parse_identity(identity, canonical) ||
		strcmp(canonical, identity) != 0 ||
		!names_of(*tree, identity, named.name))
		return;
	strcpy(named.identity, canonical);
	if (known.count == known.room) {
		known.room = 2 * known.room + 64;
		known.all =
			reallocarray(known.all, known.room, sizeof *known.all);
		if (known.all == NULL)
			err(EX_OSERR, NULL);
	}
	known.all[known.count++] = named;
}

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	const int names = strcmp(a->name, b->name);

	return names != 0 ? names : a->number < b->number ? -1 : 1;
}

static bool is_known(const struct stat *now)
{
	const struct stat *was = &known.directory;

	return now->st_ino == was->st_ino && now->st_dev == was->st_dev &&
	       now->st_ctim.tv_sec == was->st_ctim.tv_sec &&
	       now->st_ctim.tv_nsec == was->st_ctim.tv_nsec;
}

/* Returns 0 or -errno. */
static int read_names(const struct tree *tree)
{
	struct stat now = {.st_ino = 0};

	tree_look_for_changes(tree, NAMES_DIR);
	if (fstatat(tree->root, NAMES_DIR, &now, 0) == 0 && is_known(&now))
		return 0;
	known.count = 0;
	known.directory.st_ino = 0;
	const int error = tree_each(tree, NAMES_DIR, add_named, &tree);
	if (error < 0)
		return error;
	known.directory = now;
	if (known.count > 0)
		qsort(known.all, known.count, sizeof *known.all, compare_named);
	return 0;
}

/* Returns the number of names in front of a name. */
static size_t find_first(const char *name)
{
	size_t first = 0, last = known.count;

	while (first < last) {
		const size_t middle = first + (last - first) / 2;
		if (strcmp(known.all[middle].name, name) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

int names_each_identity(const struct tree *tree, const char *name,
	void (*found)(const char *identity, void *context), void *context)
{
	const int error = read_names(tree);
	int count = 0;

	if (error < 0)
		return error;
	for (size_t i = find_first(name);
		i < known.count && strcmp(known.all[i].name, name) == 0;
		i++, count++)
		found(known.all[i].identity, context);
	return count;
}
