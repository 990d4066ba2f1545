/* SPDX-License-Identifier: MIT */
#pragma once

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
