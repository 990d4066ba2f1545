/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct tree;

/*
 * Takes the lock on once/.lock, against all threads, processes and machines
 * that share the tree. Waits two seconds at most, and not at all when another
 * thread waits for a lock that is stuck. Returns a descriptor for
 * once_unlock(), -EAGAIN when the lock could not be had, -ENOENT when there is
 * no once/, or another -errno.
 */
int once_lock(const struct tree *tree);

/* Gives up the lock that once_lock() returned. */
void once_unlock(const struct tree *tree, int lock);

/* As once_parts_make(), under the lock. */
int once_parts_make_locked(const struct tree *tree);

/*
 * The pid that has the lock; 0 when nobody has it, or a process that is not
 * visible from here. Needs /proc/locks.
 */
pid_t once_lock_holder(const struct tree *tree);
