/* SPDX-License-Identifier: MIT */
/* pxesrvctl once, until, static: link machines to a boot file. */

#include "boot/once.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/arm.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"

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
	const bool done = arm_set_target(&arm, operands[count - 1]) &&
	                  clients_each(ctl, count - 1, operands, arm_one, &arm);
	arm_close(&arm);
	return done;
}

bool cmd_once(struct ctl *ctl, int count, char *const operands[])
{
	return make_entries(ctl, count, operands, ONCE_DIR, false);
}

bool cmd_until(struct ctl *ctl, int count, char *const operands[])
{
	return make_entries(ctl, count, operands, UNTIL_DIR, false);
}

bool cmd_static(struct ctl *ctl, int count, char *const operands[])
{
	return make_entries(ctl, count, operands, STATIC_DIR, ctl->force);
}
