/* SPDX-License-Identifier: MIT */
/* pxesrvctl forget: removes entries from static/. */
#include "boot/client.h"
#include "boot/tree.h"
#include "ctl/arm.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"

static bool forget_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	(void)ctl;
	return arm_remove(context, client->key);
}

bool cmd_forget(struct ctl *ctl, int count, char *const operands[])
{
	static const char *const directories[] = {STATIC_DIR, NULL};
	struct arm arm;

	if (!arm_open(ctl, STATIC_DIR, ctl->force, &arm))
		return false;
	const bool done = clients_each_entry(
		ctl, directories, count, operands, forget_client, &arm);
	arm_close(&arm);
	return done;
}
