/* SPDX-License-Identifier: MIT */
#include "boot/root_limit.h"

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
			root_limit_leave();
		else
			full++;
	}
	return full;
}

static void test_pause(void)
{
	struct root_limit limit = {.most = 1};

	root_limit_pause();
	root_limit_resume();
	tap_ok(root_limit_enter(&limit, "/"), "who has paused in no root");
	tap_ok(!root_limit_enter(&limit, "/"), "it is full");
	root_limit_pause();
	tap_ok(root_limit_enter(&limit, "/"), "while the other one waits");
	root_limit_resume();
	tap_ok(!root_limit_enter(&limit, "/"), "and when it goes on");
	root_limit_leave();
	tap_ok(!root_limit_enter(&limit, "/"), "one of two has left");
}

int main(void)
{
	struct root_limit limit = {.most = 2};

	tap_ok(root_limit_enter(&limit, "/srv/pxesrv"), "the first");
	tap_ok(root_limit_enter(&limit, "/srv/pxesrv"), "the last");
	tap_ok(!root_limit_enter(&limit, "/srv/pxesrv"), "one too many");
	tap_ok(root_limit_enter(&limit, "/srv/other"), "another root");
	root_limit_leave();
	const unsigned full = count_full(&limit);
	tap_ok(full > 0 && full < 4 * ROOTS / ROOT_LIMIT_SLOTS,
		"few roots share a slot");
	test_pause();
	return tap_end();
}
