/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct listener;
struct service;
struct workers;

/*
 * Starts threads that will answer what comes on the listening socket, until
 * workers_stop(): as many as asked for, or as there are descriptors for. Both
 * must outlive them. NULL with errno when they could not be started.
 */
struct workers *workers_start(unsigned asked, const struct listener *listener,
	const struct service *service);

/* Has them take connections, from here on. False with errno. */
bool workers_open(struct workers *workers);

/*
 * Takes no new connection any more, lets the requests under way come to their
 * end, answers those that arrive on open connections until their peers have
 * closed them (for a second at the most), and frees all. A peer that is not
 * served within WORKERS_LAST_SECONDS is cut off, so that what it asked for can
 * be put back.
 */
#define WORKERS_LAST_SECONDS 5
void workers_stop(struct workers *all);
