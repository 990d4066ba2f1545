/* SPDX-License-Identifier: MIT */
/* pxesrvctl subnet: links all machines of a network to a boot file. */
#include <stdio.h>
#include <string.h>

#include "boot/client.h"
#include "boot/subnet.h"
#include "ctl/arm.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

/* Parses 10.0.7.0/24, or as entries are named. False, with a message. */
static bool parse_subnet(const char *text, struct client *out)
{
	char name[SUBNET_NAME_SIZE];
	struct subnet subnet;

	if (!subnet_parse(text, "/_", &subnet))
		return print_error(text, "not a subnet, such as 10.0.7.0/24");
	if (!subnet_name(subnet.address, subnet.length, name))
		return print_error(text,
			"a length must be 0 to 32, or for IPv6 a multiple of 4 up to 128");
	snprintf(out->key, sizeof out->key, "%s_%u", subnet.address,
		subnet.length);
	if (strcmp(out->key, name) != 0)
		return print_error(text,
			"the address has bits behind the length; the subnet is %s",
			name);
	return true;
}

static bool act_for_subnet(struct arm *arm, const char *text)
{
	struct client client = {.hex = ""};

	if (!parse_subnet(text, &client))
		return false;
	return arm->ctl->delete ? arm_remove(arm, client.key)
	                        : arm_client(arm, &client);
}

bool cmd_subnet(struct ctl *ctl, int count, char *const operands[])
{
	const int subnets = ctl->delete ? count : count - 1;
	struct arm arm;

	if (subnets == 0)
		return print_error(operands[0], "a TARGET must follow");
	if (!arm_open(ctl, SUBNET_DIR, ctl->force, &arm))
		return false;
	bool done = ctl->delete || arm_set_target(&arm, operands[subnets]);
	for (int i = 0, can_go_on = done; can_go_on && i < subnets; i++)
		done = act_for_subnet(&arm, operands[i]) && done;
	arm_close(&arm);
	return done;
}
