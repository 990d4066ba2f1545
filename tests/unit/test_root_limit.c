/* SPDX-License-Identifier: MIT */
#include "root_limit.h"

#include <stdio.h>

#include "tap.h"

#define ROOTS 1000

/* One root is full; how many of so many others have no room for it? */
static unsigned count_full(struct root_limit *limit)
{
	unsigned full = 0;

	for (unsigned i = 0; i < ROOTS; i++) {
		char root[32];
		snprintf(root, sizeof root, "/srv/tree-%u", i);
		if (root_limit_enter(limit, root))
			root_limit_leave(limit, root);
		else
			full++;
	}
	return full;
}

int main(void)
{
	struct root_limit limit = {.most = 2};

	tap_ok(root_limit_enter(&limit, "/srv/pxesrv"), "the first");
	tap_ok(root_limit_enter(&limit, "/srv/pxesrv"), "the last");
	tap_ok(!root_limit_enter(&limit, "/srv/pxesrv"), "one too many");
	tap_ok(root_limit_enter(&limit, "/srv/other"), "another root");
	root_limit_leave(&limit, "/srv/other");
	const unsigned full = count_full(&limit);
	tap_ok(full > 0 && full < 4 * ROOTS / ROOT_LIMIT_SLOTS,
		"few roots share a slot");
	root_limit_leave(&limit, "/srv/pxesrv");
	tap_ok(root_limit_enter(&limit, "/srv/pxesrv"), "one that has left");
	tap_ok(!root_limit_enter(&limit, "/srv/pxesrv"), "full again");
	return tap_end();
}
