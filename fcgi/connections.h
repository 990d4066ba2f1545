/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The table of open connections that need no work now: those whose request is
 * incomplete, those that a web server keeps open for its next request, and
 * those whose peer takes its answer slowly. All workers share the table. A
 * worker that has taken a connection is its only user until it puts the
 * connection back or drops it. Any thread may call these functions.
 */
struct connections;
struct unsent;

/* Seconds for a request to arrive after its connection was opened. */
#define CONNECTION_PATIENCE 10
/* Seconds that a peer may take nothing. Web servers wait less for clients. */
#define CONNECTION_SENDING_PATIENCE 300

/*
 * Makes a table for descriptors below max. It is full when limit descriptors
 * are in use. NULL: no memory.
 */
struct connections *connections_new(size_t max, size_t limit);

/* Frees the table. No worker and no connection may be left. */
void connections_free(struct connections *table);

/* The state in which a connection is put back. */
enum connection_state {
	CONNECTION_SILENT,  /* nothing to read */
	CONNECTION_BEGUN,   /* a part of a request to read */
	CONNECTION_IDLE,    /* a request was answered */
	CONNECTION_SENDING, /* an answer waits for the peer */
};

/* Adds an open connection, taken by the caller. False: fd is out of range. */
bool connections_add(
	struct connections *table, int fd, enum connection_state state);

/* Returns the unsent answer on a taken connection, or NULL. */
struct unsent *connections_unsent(struct connections *table, int fd);
void connections_set_unsent(
	struct connections *table, int fd, struct unsent *unsent);

/* Identifies a connection in epoll, even if its descriptor is reused. */
uint64_t connections_token(struct connections *table, int fd);

/*
 * Takes the connection of a token. Returns its descriptor, or -1: it is closed,
 * or another thread has it and will look at it again.
 */
int connections_take(struct connections *table, uint64_t token);

/*
 * Puts a taken connection back. False: an event came meanwhile; the caller
 * still has the connection and must look again. CONNECTION_PATIENCE counts from
 * the opening, or on a kept connection from the next request's beginning.
 */
bool connections_put_back(
	struct connections *table, int fd, enum connection_state state);

/*
 * Removes a taken connection from its list. Call it before close(2), since the
 * number may be reused. connections_put_back() adds the connection again.
 */
void connections_drop(struct connections *table, int fd);

/*
 * Takes a connection that has waited too long. Returns its descriptor; or -1,
 * with wait_ms as the milliseconds until the next is overdue (-1: none waits).
 */
int connections_take_overdue(struct connections *table, int *wait_ms);

/* Whether the table's limit of descriptors is reached. */
bool connections_are_full(struct connections *table);

/*
 * Takes a connection that can make room for a new one: the one that waits
 * longest for its request, unless it is brand-new, else the one that has been
 * idle longest. Returns its descriptor, or -1 if there is neither.
 */
int connections_take_spare(struct connections *table);

/*
 * Calls say for each idle connection that no thread has taken, under the
 * table's lock: say must not wait.
 */
void connections_each_idle(struct connections *table, void (*say)(int fd));

/* Whether no connection is in the table. */
bool connections_are_none(struct connections *table);

/* Takes any connection that no thread has. Returns its descriptor, or -1. */
int connections_take_any(struct connections *table);
