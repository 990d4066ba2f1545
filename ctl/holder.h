/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

struct tree;

/* Writes in words who has the lock on once/.lock: a process, by its number. */
void holder_name(const struct tree *tree, char *out, size_t size);
