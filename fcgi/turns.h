/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Whose turn it is to wait for requests: as many workers as there are
 * processors, since more would only push each other, and the web server, aside.
 * The rest stand by, and one of them watches: a worker that is held up in a
 * request, by a slow disk or the lock, loses its turn to one that is not.
 * Every function but turns_new() and turns_free() may be called by any thread.
 */
struct turns;

/* How many processors this process may use. */
unsigned turns_processors(void);

/* Turns of so many workers, numbered from 0. NULL with errno. */
struct turns *turns_new(unsigned workers);

/* No worker may be left. */
void turns_free(struct turns *turns);

/* Whether it is the turn of this worker. */
bool turns_has(struct turns *turns, unsigned worker);

/*
 * Waits until it is the turn of this worker, whose turn it is not, or until all
 * turns are over. From here on it is at work.
 */
void turns_take(struct turns *turns, unsigned worker);

/* The worker, whose turn it is, waits for something to do; or has found it. */
void turns_rest(struct turns *turns, unsigned worker);
void turns_resume(struct turns *turns, unsigned worker);

/*
 * Whether no worker is at work. When steps is the same at two times, none has
 * been in between.
 */
bool turns_are_idle(struct turns *turns, unsigned *steps);

/* Nobody stands by any more: turns_take() returns at once, from here on. */
void turns_end(struct turns *turns);
