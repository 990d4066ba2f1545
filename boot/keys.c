/* SPDX-License-Identifier: MIT */
/*
 * Finds a machine's name in names/, where several identities may have the same:
 * two network cards of one machine, or its IPv4 and IPv6 address.
 */
#include "boot/keys.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "boot/text.h"
#include "boot/tree.h"

/* Returns 1 if the identity has a name, 0 if it has none, or -errno. */
static int find_name(const struct tree *tree, const char *identity,
	char name[static KEY_SIZE], struct keys_trouble *trouble)
{
	struct text entry;

	text_begin(&entry, trouble->entry, sizeof trouble->entry);
	text_add(&entry, NAMES_DIR "/");
	text_add(&entry, identity);
	const int err = tree_read_link(tree, trouble->entry, trouble->text);
	if (err < 0) {
		trouble->text[0] = '\0';
		return err == -ENOENT ? 0 : err;
	}
	if (!identity_is_name(trouble->text))
		return -EINVAL;
	strcpy(name, trouble->text);
	return 1;
}

static void describe_trouble(int err, struct keys_trouble *trouble)
{
	trouble->error = -err;
	trouble->reason = reason_of(-err);
	trouble->words = reason_text(-err);
	if (err != -EINVAL)
		return;
	trouble->reason = REASON_FORBIDDEN;
	trouble->words = trouble->text[0] == '\0'
	                         ? "Not a link to a machine's name"
	                         : "Not a machine's name";
}

bool keys_find(const struct tree *tree, const struct identities *who,
	struct keys *out, struct keys_trouble *trouble)
{
	const char *const identities[] = {who->uuid, who->mac, who->address};
	const unsigned size = sizeof identities / sizeof identities[0];
	int found = 0;

	out->count = 0;
	out->name[0] = '\0';
	const bool has_names = !tree_lacks(tree, TREE_NAMES);
	tree_look_for_changes(tree, NAMES_DIR);
	for (unsigned i = 0; has_names && found == 0 && i < size; i++) {
		if (identities[i][0] != '\0')
			found = find_name(
				tree, identities[i], out->name, trouble);
	}
	if (found < 0) {
		describe_trouble(found, trouble);
		return false;
	}
	if (found > 0)
		out->list[out->count++] = out->name;
	for (unsigned i = 0; i < size; i++) {
		if (identities[i][0] != '\0')
			out->list[out->count++] = identities[i];
	}
	return true;
}
