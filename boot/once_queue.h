/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <time.h>

/*
 * The threads of this process that want the lock of one root. The first of them
 * has it, or polls for it, and the others wait, as long as it moves from one to
 * the next. When it does not, since somebody outside holds it, or the file
 * system hangs under the one that has it, they give up at once, and so do those
 * who come later: there are few threads, and clients that need no lock want
 * one, too. The first one goes on, so that somebody finds the lock free again.
 */
struct once_queue;

/* That of a root, by its path as it was configured. */
struct once_queue *once_queue_of(const char *root);

/*
 * Waits to be the first one. 0, or -EAGAIN when the limit, of CLOCK_MONOTONIC,
 * has come, or the lock does not move.
 */
int once_queue_enter(struct once_queue *queue, const struct timespec *limit);

void once_queue_leave(struct once_queue *queue);

/* From the first one: the lock moves. */
void once_queue_move(struct once_queue *queue);

/* From the first one: it has not moved since. True: it has just become news. */
bool once_queue_still(struct once_queue *queue);
