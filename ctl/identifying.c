/* SPDX-License-Identifier: MIT */
/* Finds out whether machines are known by what they say: PXESRV_IDENTIFY. */
#include "ctl/identifying.h"

#include <err.h>

#include "ctl/ctl.h"
#include "ctl/responder.h"

static const struct responder *find_responder(const struct ctl *ctl)
{
	const struct responder *responder =
		ctl->tree.root < 0 ? NULL : responder_of(ctl);

	return responder != NULL && responder->sees == RESPONDER_SEES_TREE
	               ? responder
	               : NULL;
}

bool identifying_by_mac(const struct ctl *ctl)
{
	static bool has_warned;

	if (ctl->identify.by_mac || ctl->identify.by_uuid)
		return ctl->identify.by_mac;
	const struct responder *responder = find_responder(ctl);
	if (responder == NULL || !responder->identify.by_mac)
		return false;
	if (!responder->is_trusted && !has_warned) {
		warnx("warning: PXESRV_IDENTIFY of the responder (pid %ld) has mac, but was ignored, since its user does not own once/; set it here, too, for entries by MAC address",
			(long)responder->pid);
		has_warned = true;
	}
	return responder->is_trusted;
}
