/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Where one answer goes: the web server, by whichever protocol. An answer is
 * whole only when end() has said so; one that is not ended must look broken
 * to the web server, never like a whole one.
 */
struct sink {
	/* Whether the web server has hung up already, or does not want it. */
	bool (*is_gone)(struct sink *);
	/* Takes size bytes, now or later. False: they can't be delivered. */
	bool (*put)(struct sink *, const void *bytes, size_t size);
	/* Sends what is left. False: not all could be handed over. */
	bool (*end)(struct sink *);
};
