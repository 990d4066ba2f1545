/* SPDX-License-Identifier: MIT */
/* pxesrvctl once, pxesrvctl static: link clients to a boot file. */
#include <stdio.h>
#include <string.h>

#include "boot/once.h"
#include "boot/reason.h"
#include "boot/tree.h"
#include "ctl/arm.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/print.h"

/* The target's path from the root. NULL: it is not below the root. */
static const char *strip_root(const struct tree *tree, const char *target)
{
	char real[PATH_MAX];
	const char *path = tree_strip(tree, target);

	/* The configured root may be a link, and target the real path. */
	if (path == NULL &&
		tree_absolute_path(tree->root, real, sizeof real) == 0) {
		const struct tree unlinked = {.path = real};
		path = tree_strip(&unlinked, target);
	}
	return path;
}

/*
 * Chooses the text of the links: relative, or, where the directory is itself a
 * link so that a relative text leads elsewhere, absolute. False, with a
 * message.
 */
static bool set_target(struct arm *arm, const char *target)
{
	const struct tree *tree = &arm->ctl->tree;
	const char *path = target[0] == '/' ? strip_root(tree, target) : target;
	char relative[PATH_MAX + 4], absolute[2 * PATH_MAX];

	if (target[0] == '\0' || strcmp(target, "-") == 0)
		return print_error(
			target, "the last argument must be a boot file");
	if (path != NULL && strncmp(path, ONCE_DIR "/", 5) == 0)
		return print_error(target,
			"a once link cannot be a target: it is removed when it is served");
	snprintf(absolute, sizeof absolute, "%s%s%s",
		path == NULL ? "" : tree->path, path == NULL ? "" : "/",
		path == NULL ? target : path);
	snprintf(relative, sizeof relative, "../%s", path == NULL ? "" : path);
	int err = arm_set_text(arm, target, path == NULL ? absolute : relative);
	if (err < 0 && path != NULL && arm_set_text(arm, target, absolute) == 0)
		err = 0;
	if (err == 0)
		return true;
	return print_error(target, "%s", reason_text(-err));
}

static bool arm_one(struct ctl *ctl, const struct client *client, void *context)
{
	(void)ctl;
	return arm_client(context, client);
}

static bool make_entries(struct ctl *ctl, int count, char *const operands[],
	const char *directory, bool replaces_files)
{
	struct arm arm;

	if (!arm_open(ctl, directory, replaces_files, &arm))
		return false;
	const bool done = set_target(&arm, operands[count - 1]) &&
	                  clients_each(ctl, count - 1, operands, arm_one, &arm);
	arm_close(&arm);
	return done;
}

bool cmd_once(struct ctl *ctl, int count, char *const operands[])
{
	return make_entries(ctl, count, operands, ONCE_DIR, false);
}

bool cmd_static(struct ctl *ctl, int count, char *const operands[])
{
	return make_entries(ctl, count, operands, STATIC_DIR, ctl->force);
}
