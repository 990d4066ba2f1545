/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct tree;

/*
 * Takes the lock on once/.lock, against all threads, processes and machines
 * that share the tree. Waits two seconds at the most, and not at all where
 * another thread waits already for one that does not move. Returns a descriptor
 * for once_unlock(), -EAGAIN when it was not to be had, -ENOENT when there is
 * no once/, or another -errno.
 */
int once_lock(const struct tree *tree);

void once_unlock(const struct tree *tree, int lock);

/* Makes all parts of once/, if once/ is there, under the lock. 0 or -errno. */
int once_prepare(const struct tree *tree);

/*
 * The process that has the lock, of those that can be seen from here, or 0. It
 * needs /proc/locks.
 */
pid_t once_lock_holder(const struct tree *tree);
