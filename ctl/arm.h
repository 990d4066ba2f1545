/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct tree;

enum arm_files { ARM_KEEPS_FILES, ARM_REPLACES_FILES };

/*
 * Has directory/name, which count from the root, be a link with this text: at
 * each moment there is what was there before, or the new link. Writes to before
 * the text of the link whose place it took: empty when there was none, or it
 * was a file. 0 or -errno; -EEXIST when there is something else than a link,
 * which is only replaced, if it is no directory, with ARM_REPLACES_FILES.
 */
int arm_link(const struct tree *tree, const char *directory, const char *name,
	const char *text, enum arm_files files, char before[static PATH_MAX]);

/* What a link of an interrupted arm_link() begins with, in its directory. */
#define ARM_TEMPORARY ".arm-"
