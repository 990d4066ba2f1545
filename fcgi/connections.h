/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The open connections on which there is nothing to do now: new ones that
 * have not said their whole request yet, those that a web server keeps open for
 * its next, and those whose peer takes its answer slowly. All workers share
 * them; who has taken one is its only user until it puts it back or drops it.
 * Every function may be called by any thread.
 */
struct connections;
struct sending;

/* Seconds that a request may take to arrive once its connection is open. */
#define CONNECTION_PATIENCE 10
/*
 * Seconds that a peer may take nothing of an answer: longer than a web server
 * has for its own client, who takes from it more than we have to give it.
 */
#define CONNECTION_SENDING_PATIENCE 300

/*
 * Room for descriptors below max, of which limit shall be in use at a time.
 * NULL when there is no memory.
 */
struct connections *connections_new(size_t max, size_t limit);

/* Frees. No worker, and no connection, may be left. */
void connections_free(struct connections *all);

/* What has happened to a connection while it was taken. */
enum connection_news {
	CONNECTION_SILENT,  /* nothing came that is still there */
	CONNECTION_BEGUN,   /* a part of a request is there */
	CONNECTION_SERVED,  /* a request was answered */
	CONNECTION_SENDING, /* an answer waits for the peer to take more */
};

/*
 * Adds an open connection that belongs to the caller, which has taken it.
 * False, with nothing done, when its number is out of range.
 */
bool connections_add(
	struct connections *all, int fd, enum connection_news news);

/* The answer that is being sent on a taken connection; NULL: there is none. */
struct sending *connections_sending(struct connections *all, int fd);
void connections_set_sending(
	struct connections *all, int fd, struct sending *sending);

/* A name for the connection, for epoll: another one has another name. */
uint64_t connections_name(struct connections *all, int fd);

/*
 * Takes the connection of that name. Its descriptor, or -1: it is closed, or
 * another thread has it, which will look at it once more.
 */
int connections_take(struct connections *all, uint64_t name);

/*
 * Puts a taken connection back. False when something came in meanwhile: then
 * it is still the caller's, who must look again. From the beginning of a
 * request its patience counts; before that, on one that was kept, there is no
 * limit.
 */
bool connections_put_back(
	struct connections *all, int fd, enum connection_news news);

/*
 * Takes a taken connection off the books, since it may be closed from here on.
 * Put back it is there again, if it was not.
 */
void connections_drop(struct connections *all, int fd);

/*
 * Takes a connection that has waited for too long. Its descriptor, or -1; then
 * wait_ms is how many milliseconds it is until the next one, -1 when none
 * waits.
 */
int connections_take_overdue(struct connections *all, int *wait_ms);

/* Whether as many descriptors are in use as shall be. */
bool connections_are_full(struct connections *all);

/*
 * Takes the connection that is to make room for another one: the one that has
 * waited longest for the rest of its request, unless it has only just come,
 * else the one that was kept alive longest and on which nothing has come. Its
 * descriptor, or -1 when there is none of either.
 */
int connections_take_spare(struct connections *all);

/* Calls say for each connection that is kept and that nobody has. */
void connections_each_kept(struct connections *all, void (*say)(int fd));

/* Whether there are none. */
bool connections_are_none(struct connections *all);

/* Takes any connection that nobody has. Its descriptor, or -1. */
int connections_take_any(struct connections *all);
