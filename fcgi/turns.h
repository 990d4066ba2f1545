/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Turns to wait for requests: as many workers have one as there are processors.
 * More would only compete with each other and with the web server; the rest
 * stand by. A worker that is held up in a request, by a slow disk or the lock,
 * loses its turn. Any thread may call these functions, but for turns_new() and
 * turns_free().
 */
struct turns;

/* Returns how many processors this process may use. */
unsigned turns_processors(void);

/* Makes turns for workers numbered 0 to workers - 1. NULL with errno. */
struct turns *turns_new(unsigned workers);

/* Frees the turns. No worker may be left. */
void turns_free(struct turns *turns);

/* Whether a worker has a turn. */
bool turns_has(struct turns *turns, unsigned worker);

/*
 * Waits until a worker that has no turn gets one, or until turns_end(). The
 * worker then counts as at work.
 */
void turns_take(struct turns *turns, unsigned worker);

/* Call these before and after a worker with a turn waits for work. */
void turns_rest(struct turns *turns, unsigned worker);
void turns_resume(struct turns *turns, unsigned worker);

/* Whether no worker is at work, nor was since a call that got equal steps. */
bool turns_are_idle(struct turns *turns, unsigned *steps);

/* Ends standing by: turns_take() returns at once from now on. */
void turns_end(struct turns *turns);
