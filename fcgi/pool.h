/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct listener;
struct service;
struct pool;

#define POOL_THREADS_MAX 1024 /* threads */

/*
 * Raises the limit of descriptors as far as possible, for as many slow peers.
 * Returns how many threads to start: asked, or the best number if asked is 0,
 * but not more than the descriptors allow.
 */
unsigned pool_count(unsigned asked);

/*
 * Starts threads that answer what comes on the listening socket until
 * pool_stop(). listener and service must outlive the pool. NULL with errno.
 */
struct pool *pool_start(unsigned threads, const struct listener *listener,
	const struct service *service);

/* Starts accepting connections. False with errno. */
bool pool_begin_accepting(const struct pool *pool);

/*
 * Stops accepting, finishes requests under way, answers those that arrive on
 * open connections until their peers close them (one second at most), and frees
 * the pool. After POOL_LAST_SECONDS, breaks off answers: their links are put
 * back. After POOL_JOIN_SECONDS more, gives up on threads that a file system
 * holds, and returns their number. They go on to use the pool, so only _exit(2)
 * may follow.
 */
#define POOL_LAST_SECONDS 5
#define POOL_JOIN_SECONDS 3
unsigned pool_stop(struct pool *pool);
