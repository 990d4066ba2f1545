/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

struct tree;

/*
 * Takes the lock on once/.lock, against all threads, processes and machines
 * that share the tree. Waits for two seconds at most, five in a shared tree,
 * and hardly at all if another thread waits for a stuck lock. Returns a
 * descriptor for once_unlock(); -EAGAIN if the lock is taken; -ENOENT without
 * once/; or another -errno.
 */
int once_lock(const struct tree *tree);

/* Releases the lock that once_lock() returned. */
void once_unlock(const struct tree *tree, int lock);

/*
 * Whether the lock excludes: a second descriptor must not get it. 0; -ENOLCK
 * when it does not; or another -errno, as of once_lock().
 */
int once_lock_test(const struct tree *tree);

/* Runs once_parts_make() under the lock. 0, also without once/, or -errno. */
int once_parts_make_locked(const struct tree *tree);

/*
 * Returns the pid that holds the lock; 0 if nobody does, or a process that is
 * not visible from here. Needs /proc/locks.
 */
pid_t once_lock_holder(const struct tree *tree);
