/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "ctl/clients.h"

struct ctl;
struct machine;

/* Which addresses of one machine something is done for. */
enum choice {
	/*
	 * The one that it has now, or the newest of several leases. With --each
	 * all that it has now.
	 */
	CHOICE_ONE,
	/*
	 * Those that have an entry in a directory of the tree; also of those
	 * that it had, as long as no other machine has them.
	 */
	CHOICE_ENTRIES,
	/* All that it has or had, as long as no other machine has them. */
	CHOICE_ALL,
};

/* What is done for each client. */
struct each {
	struct ctl *ctl;
	client_action *action;
	void *context;
	enum choice choice;
	const char *directory; /* CHOICE_ENTRIES: once or static */
};

/*
 * Does it for a machine that was named by a word. When there is no address to
 * choose, or more than one, nothing is done, and standard error has what there
 * is, one address a line. False when that is so, or when it could not be done.
 */
bool choice_act(const struct each *each, const char *word,
	const struct machine *machine);
