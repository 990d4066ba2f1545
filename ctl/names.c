/* SPDX-License-Identifier: MIT */
/* Looks names up in names/, from identity to name and back. */
#include "ctl/names.h"

#include <stdio.h>
#include <string.h>

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

struct name_search {
	const struct tree *tree;
	const char *name;
	void (*found)(const char *identity, void *context);
	void *context;
	int count;
};

static void compare_name(const char *identity, void *context)
{
	struct name_search *search = context;
	char canonical[KEY_SIZE], name[KEY_SIZE];

	/* The responder looks for canonical text alone. */
	if (!names_parse_identity(identity, canonical) ||
		strcmp(canonical, identity) != 0 ||
		!names_of(search->tree, identity, name) ||
		strcmp(name, search->name) != 0)
		return;
	search->count++;
	search->found(identity, search->context);
}

int names_each_identity(const struct tree *tree, const char *name,
	void (*found)(const char *identity, void *context), void *context)
{
	struct name_search search = {
		.tree = tree, .name = name, .found = found, .context = context};
	const int err = tree_each(tree, NAMES_DIR, compare_name, &search);

	return err < 0 ? err : search.count;
}
