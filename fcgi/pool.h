/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct listener;
struct service;
struct pool;

#define POOL_THREADS_MAX 1024 /* threads */

/*
 * Lets the process have as many descriptors as it may, for as many slow peers.
 * Returns how many threads there are to be: as many as asked for (0: as many as
 * are best), unless there are too few descriptors for that.
 */
unsigned pool_count(unsigned asked);

/*
 * Starts so many threads, which will answer what comes on the listening socket
 * until pool_stop(). Both must outlive them. NULL with errno when they could
 * not be started.
 */
struct pool *pool_start(unsigned threads, const struct listener *listener,
	const struct service *service);

/* Has them take connections, from here on. False with errno. */
bool pool_begin_accepting(const struct pool *pool);

/*
 * Takes no new connection any more, lets the requests under way come to their
 * end, answers those that arrive on open connections until their peers have
 * closed them (for a second at the most), and frees all. A peer that is not
 * served within POOL_LAST_SECONDS is cut off, so that what it asked for can
 * be put back.
 */
#define POOL_LAST_SECONDS 5
void pool_stop(struct pool *pool);
