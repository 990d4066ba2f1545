/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/client.h"

struct keys;
struct tree;

#define UNTIL_DIR "until"
#define DONE_DIR UNTIL_DIR "/.done"

/*
 * Moves the link of the first of these keys that has one in until/ to
 * until/.done/. look_only: only finds it. Writes the link's path, such as
 * until/node7. Returns 0, -ENOENT if there is none, or another -errno.
 */
int until_finish(const struct tree *tree, const struct keys *keys,
	bool look_only, char path[static ENTRY_PATH_SIZE]);

/*
 * Makes until/.done if until/ exists, so that a full disk keeps no machine from
 * being done. Returns 0 or -errno.
 */
int until_prepare(const struct tree *tree);
