/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "boot/tree_cache.h"
#include "fcgi/gate.h"
#include "fcgi/libfcgi.h"

struct connections;
struct listener;
struct service;
struct turns;

/* Names in epoll that are no connection's: their descriptor is above all. */
#define NAME_LISTENER UINT64_MAX
#define NAME_STOP (UINT64_MAX - 1)

/* A thread that answers requests. */
struct worker {
	struct workers *all;
	pthread_t thread;
	unsigned number; /* from 0 */
	struct handover handover;
	struct tree_cache kept;
	size_t seen; /* bytes that look() has found */
	unsigned char bytes[GATE_SIZE_MAX + 1]; /* one more: too large */
	unsigned char scratch[GATE_SIZE_MAX];
};

enum phase {
	RUNNING,
	LAST_CALL, /* no new connection is taken, and kept ones are let go */
	STOPPING,  /* what has arrived is answered, nothing more is taken */
};

struct workers {
	_Atomic enum phase phase;
	const struct listener *listener;
	const struct service *service;
	struct connections *connections;
	struct turns *turns;
	int epoll;
	int stop; /* eventfd: ready when no worker shall wait any more */
	atomic_uint sending; /* answers whose rest waits for its peer */
	unsigned started;
	struct worker workers[];
};

/*
 * What a worker, the argument, does until the phase is STOPPING, and then for
 * those who are still connected. A thread's function; returns NULL.
 */
void *worker_run(void *worker);
