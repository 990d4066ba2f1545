/* SPDX-License-Identifier: MIT */
/* pxesrvctl name: gives the identities of one machine one name. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/identity.h"
#include "boot/once.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/arm.h"
#include "ctl/change.h"
#include "ctl/ctl.h"
#include "ctl/host_identities.h"
#include "ctl/names.h"
#include "ctl/print.h"

struct naming {
	struct ctl *ctl;
	const char *name;
	struct arm arm; /* of names/ */
	bool done;
};

/* An entry for one identity would be a second one for the machine. */
static void warn_of_entries(const struct naming *naming, const char *identity)
{
	static const char *const directories[] = {
		ONCE_DIR, UNTIL_DIR, STATIC_DIR};
	const int root = naming->ctl->tree.root;
	char path[ENTRY_PATH_SIZE];

	fflush(stdout);
	for (size_t i = 0; i < sizeof directories / sizeof directories[0];
		i++) {
		snprintf(path, sizeof path, "%s/%s", directories[i], identity);
		if (faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			warnx("warning: %s still counts, after what %s has; move or remove it",
				path, naming->name);
	}
}

/* Gives an identity, in canonical text, the name. */
static bool add_identity(struct naming *naming, const char *identity)
{
	struct client client = {.hex = ""};
	char path[ENTRY_PATH_SIZE], other[KEY_SIZE];
	const bool has_one = names_of(&naming->ctl->tree, identity, other);
	const bool has_it = has_one && strcmp(other, naming->name) == 0;

	snprintf(path, sizeof path, NAMES_DIR "/%s", identity);
	if (has_one && !has_it && !naming->ctl->force)
		return print_error(
			path, "it is %s already (--force changes it)", other);
	snprintf(client.key, sizeof client.key, "%s", identity);
	if (!arm_client(&naming->arm, &client))
		return false;
	if (!has_it)
		warn_of_entries(naming, identity);
	return true;
}

static bool remove_identity(struct naming *naming, const char *identity)
{
	char path[ENTRY_PATH_SIZE], name[KEY_SIZE];

	snprintf(path, sizeof path, NAMES_DIR "/%s", identity);
	if (!names_of(&naming->ctl->tree, identity, name) ||
		strcmp(name, naming->name) != 0)
		return change_missing_ok(naming->ctl, NAMES_DIR, identity) ||
		       print_error(path, "it is not %s", naming->name);
	return arm_remove(&naming->arm, identity);
}

static void remove_found(const char *identity, void *context)
{
	struct naming *naming = context;

	naming->done = remove_identity(naming, identity) && naming->done;
}

static bool remove_all(struct naming *naming)
{
	const int count = names_each_identity(
		&naming->ctl->tree, naming->name, remove_found, naming);

	if (count < 0)
		return print_error(NAMES_DIR, "%s", strerror(-count));
	if (count == 0)
		return change_missing_ok(naming->ctl, NULL, naming->name) ||
		       print_error(naming->name, "nothing has this name");
	return naming->done;
}

static bool add_found(const char *identity, void *context)
{
	return add_identity(context, identity);
}

static bool act_for_identity(struct naming *naming, const char *text)
{
	char identity[KEY_SIZE];

	if (!names_parse_identity(text, identity))
		return print_error(text, "not an IP or MAC address or a UUID");
	return naming->ctl->delete ? remove_identity(naming, identity)
	                           : add_identity(naming, identity);
}

bool cmd_name(struct ctl *ctl, int count, char *const operands[])
{
	struct naming naming = {.ctl = ctl, .name = operands[0], .done = true};

	if (!identity_is_name(naming.name))
		return print_error(naming.name,
			"not a name: 1 to 64 letters, digits, \".\", \"-\" and \"_\", without a \".\" at the beginning, and no address");
	if (!arm_open(ctl, NAMES_DIR, false, &naming.arm))
		return false;
	strcpy(naming.arm.link_text, naming.name);
	if (count == 1)
		naming.done = ctl->delete ? remove_all(&naming)
		                          : host_identities(ctl, naming.name,
						    add_found, &naming);
	for (int i = 1; i < count; i++)
		naming.done =
			act_for_identity(&naming, operands[i]) && naming.done;
	arm_close(&naming.arm);
	return naming.done;
}
