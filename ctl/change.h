/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct ctl;

/* What a command has done to an entry, or with --dry-run would have done. */
struct change {
	const char *directory; /* such as "once" */
	const char *client;    /* name of the entry */
	const char *target;    /* text of the link; NULL: there is no entry */
	const char *before;    /* text of the link before; NULL or "": none */
	bool is_removal;       /* before is what was removed */
	bool is_unchanged;     /* target was there before */
};

/*
 * Prints a change on one line: for people, or with --json as an object with
 * client, entry, target, before and changed.
 */
void change_print(const struct ctl *ctl, const struct change *change);

/*
 * Prints by an errno why something in a directory was not changed. EACCES: also
 * which group may do so. Returns false.
 */
bool change_print_error(const struct ctl *ctl, const char *directory,
	const char *path, int error);

/*
 * Whether --missing-ok allows that a client has no entry to remove; then
 * prints that nothing was changed. directory may be NULL: in none of several.
 */
bool change_missing_ok(
	const struct ctl *ctl, const char *directory, const char *client);
