/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The table of open connections on which there is nothing to do now: those that
 * have not sent their whole request yet, those that a web server keeps open for
 * its next request, and those whose peer takes its answer slowly. All workers
 * share the table. A worker that has taken a connection is its only user until
 * it puts the connection back or drops it; connections_each_idle() is for those
 * that nobody has taken. Any thread may call these functions.
 */
struct connections;
struct unsent;

/* Seconds that a request may take to arrive once its connection is open. */
#define CONNECTION_PATIENCE 10
/*
 * Seconds that a peer may take nothing of an answer. A web server waits less
 * than that for its own client.
 */
#define CONNECTION_SENDING_PATIENCE 300

/*
 * Makes a table for descriptors below max. When limit of them are in use it is
 * full. NULL when there is no memory.
 */
struct connections *connections_new(size_t max, size_t limit);

/* Frees. No worker, and no connection, may be left. */
void connections_free(struct connections *table);

/* The state in which a connection is put back. */
enum connection_state {
	CONNECTION_SILENT,  /* it has no bytes to read */
	CONNECTION_BEGUN,   /* it has a part of a request to read */
	CONNECTION_IDLE,    /* a request was answered */
	CONNECTION_SENDING, /* an answer waits for the peer to take more */
};

/*
 * Adds an open connection that belongs to the caller, which has taken it.
 * False, with nothing done, when its number is out of range.
 */
bool connections_add(
	struct connections *table, int fd, enum connection_state state);

/* The answer that is being sent on a taken connection; NULL: there is none. */
struct unsent *connections_unsent(struct connections *table, int fd);
void connections_set_unsent(
	struct connections *table, int fd, struct unsent *unsent);

/* Tells connections apart in epoll, even with the same descriptor. */
uint64_t connections_token(struct connections *table, int fd);

/*
 * Takes the connection of that token. Its descriptor, or -1: it is closed, or
 * another thread has it, which will look at it once more.
 */
int connections_take(struct connections *table, uint64_t token);

/*
 * Puts a taken connection back. False when something came in meanwhile: then
 * it is still the caller's, who must look again. From the beginning of a
 * request its patience counts; before that, on one that was kept, there is no
 * limit.
 */
bool connections_put_back(
	struct connections *table, int fd, enum connection_state state);

/*
 * Removes a taken connection from the lists before it may be closed. If it is
 * not closed, connections_put_back() brings it back.
 */
void connections_drop(struct connections *table, int fd);

/*
 * Takes a connection that has waited for too long. Its descriptor, or -1; then
 * wait_ms is how many milliseconds it is until the next one, -1 when none
 * waits.
 */
int connections_take_overdue(struct connections *table, int *wait_ms);

/* Whether as many descriptors are in use as shall be. */
bool connections_are_full(struct connections *table);

/*
 * Takes the connection that is to make room for another one: the one that has
 * waited longest for the rest of its request, unless it has only just come,
 * else the one that was idle longest and on which nothing has come. Its
 * descriptor, or -1 when there is none of either.
 */
int connections_take_spare(struct connections *table);

/*
 * Calls say for each idle connection that no thread has taken, under the
 * table's lock: say must not wait.
 */
void connections_each_idle(struct connections *table, void (*say)(int fd));

/* Whether there are none. */
bool connections_are_none(struct connections *table);

/* Takes any connection that nobody has. Its descriptor, or -1. */
int connections_take_any(struct connections *table);
