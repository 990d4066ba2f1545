/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Whose turn it is to wait for requests: as many workers as there are
 * processors. More would only compete with each other and with the web server.
 * The rest stand by. A worker that is held up in a request, by a slow disk or
 * by the lock, loses its turn to another one. Any thread may call these
 * functions, but for turns_new() and turns_free().
 */
struct turns;

/* How many processors this process may use. */
unsigned turns_processors(void);

/* Makes turns for that many workers, numbered from 0. NULL with errno. */
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

/* Ends standing by: from here on turns_take() returns at once. */
void turns_end(struct turns *turns);
