/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct tree;

/*
 * The process that has the lock on once/.lock, of those that can be seen from
 * here, or 0. It needs /proc/locks.
 */
pid_t once_holder(const struct tree *tree);
