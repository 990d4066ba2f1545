/* SPDX-License-Identifier: MIT */
/*
 * The table of open connections, by descriptor, in three lists: those that wait
 * for a request, those that are idle after one, and those that send an answer.
 * One lock guards all of it; nothing waits under it. A slot's generation
 * tells an event of an earlier connection with the same descriptor from one of
 * this.
 */
#include "fcgi/connections.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Descriptors of a connection with an answer: its own, file, root. */
#define SENDING_WEIGHT 3
/* A peer that has just connected is about to send its request. */
#define NEW_MS 10

/* A doubly linked list of table slots, by number; -1: the end. */
struct list {
	int first, last;
	unsigned weight;     /* of each: descriptors that it takes */
	int64_t patience_ms; /* that may pass in it; 0: without a limit */
};

struct slot {
	uint32_t generation; /* tells apart who had this number in turn */
	bool taken;
	bool again;        /* something came in while it was taken */
	struct list *list; /* NULL: not in the table */
	int previous, next;
	int64_t since;         /* when it came into its list, in milliseconds */
	struct unsent *unsent; /* the answer that it is in the list for */
};

struct connections {
	pthread_mutex_t lock;
	struct list waiting; /* for the rest of a request; oldest first */
	struct list idle;    /* silent after an answer; oldest first */
	struct list sending; /* to a peer that takes nothing; longest first */
	size_t used, limit;  /* weight of what is in the lists, and may be */
	size_t max;
	struct slot slots[]; /* by descriptor */
};

static int64_t coarse_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void unlink_slot(struct connections *table, int fd)
{
	struct slot *slot = &table->slots[fd];
	struct list *list = slot->list;

	if (list == NULL)
		return;
	if (slot->previous >= 0)
		table->slots[slot->previous].next = slot->next;
	else
		list->first = slot->next;
	if (slot->next >= 0)
		table->slots[slot->next].previous = slot->previous;
	else
		list->last = slot->previous;
	slot->list = NULL;
	table->used -= list->weight;
}

static void append_slot(struct connections *table, struct list *list, int fd)
{
	struct slot *slot = &table->slots[fd];

	slot->list = list;
	slot->since = coarse_now_ms();
	slot->next = -1;
	slot->previous = list->last;
	if (list->last >= 0)
		table->slots[list->last].next = fd;
	else
		list->first = fd;
	list->last = fd;
	table->used += list->weight;
}

struct connections *connections_new(size_t max, size_t limit)
{
	/* Pages of numbers that are never used are never touched. */
	struct connections *table =
		calloc(1, sizeof *table + max * sizeof table->slots[0]);
	if (table == NULL)
		return NULL; /* no test: no memory */
	table->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	table->waiting =
		(struct list){-1, -1, 1, CONNECTION_PATIENCE * INT64_C(1000)};
	table->idle = (struct list){-1, -1, 1, 0};
	table->sending = (struct list){-1, -1, SENDING_WEIGHT,
		CONNECTION_SENDING_PATIENCE * INT64_C(1000)};
	table->max = max;
	table->limit = limit;
	return table;
}

void connections_free(struct connections *table)
{
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* The oldest of a list that no thread has taken, or -1. */
static int oldest_free(struct connections *table, const struct list *list)
{
	int fd = list->first;
	while (fd >= 0 && table->slots[fd].taken)
		fd = table->slots[fd].next;
	return fd;
}

static bool connection_has_input(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLIN};
	return poll(&peer, 1, 0) != 0;
}

/* Where a connection belongs; NULL: where it is. */
static struct list *list_by_state(struct connections *table,
	const struct slot *slot, enum connection_state state)
{
	switch (state) {
	case CONNECTION_IDLE:
		return &table->idle;
	case CONNECTION_SENDING:
		return &table->sending;
	case CONNECTION_BEGUN:
		return slot->list == &table->waiting ? NULL : &table->waiting;
	default:
		return slot->list == NULL ? &table->waiting : NULL;
	}
}

static void move_to_list(
	struct connections *table, int fd, enum connection_state state)
{
	struct list *list = list_by_state(table, &table->slots[fd], state);

	if (list != NULL) {
		unlink_slot(table, fd);
		append_slot(table, list, fd);
	}
}

bool connections_add(
	struct connections *table, int fd, enum connection_state state)
{
	if (fd < 0 || (size_t)fd >= table->max)
		return false; /* no test: the limit was raised */

	pthread_mutex_lock(&table->lock);
	struct slot *slot = &table->slots[fd];
	slot->generation++;
	slot->taken = true;
	slot->again = false;
	slot->unsent = NULL;
	move_to_list(table, fd, state);
	pthread_mutex_unlock(&table->lock);
	return true;
}

/* Only the thread that has taken a connection asks: no lock is needed. */
struct unsent *connections_unsent(struct connections *table, int fd)
{
	return table->slots[fd].unsent;
}

void connections_set_unsent(
	struct connections *table, int fd, struct unsent *unsent)
{
	table->slots[fd].unsent = unsent;
}

uint64_t connections_token(struct connections *table, int fd)
{
	pthread_mutex_lock(&table->lock);
	uint64_t token =
		(uint64_t)table->slots[fd].generation << 32 | (uint32_t)fd;
	pthread_mutex_unlock(&table->lock);
	return token;
}

int connections_take(struct connections *table, uint64_t token)
{
	const int fd = (int)(token & 0x7fffffff);
	struct slot *slot = &table->slots[fd];
	int result = -1;

	pthread_mutex_lock(&table->lock);
	/* Another generation: an event of one that had this number before. */
	const bool is_it = slot->generation == token >> 32;
	if (is_it && slot->taken) {
		slot->again = true;
	} else if (is_it && slot->list != NULL) {
		slot->taken = true;
		result = fd;
	}
	pthread_mutex_unlock(&table->lock);
	return result;
}

bool connections_put_back(
	struct connections *table, int fd, enum connection_state state)
{
	struct slot *slot = &table->slots[fd];

	pthread_mutex_lock(&table->lock);
	move_to_list(table, fd, state);
	bool back = !slot->again;
	slot->again = false;
	slot->taken = !back;
	pthread_mutex_unlock(&table->lock);
	return back;
}

void connections_drop(struct connections *table, int fd)
{
	pthread_mutex_lock(&table->lock);
	unlink_slot(table, fd);
	pthread_mutex_unlock(&table->lock);
}

/*
 * Takes the first of a list if its time is over. Else lets wait_ms, -1 being
 * for ever, be no longer than the time that is left, and returns -1.
 */
static int take_first_overdue(
	struct connections *table, const struct list *list, int *wait_ms)
{
	const int fd = oldest_free(table, list);
	if (fd < 0)
		return -1;

	struct slot *slot = &table->slots[fd];
	const int64_t left = slot->since + list->patience_ms - coarse_now_ms();
	if (left <= 0) {
		slot->taken = true;
		return fd;
	}
	if (*wait_ms < 0 || left < *wait_ms)
		*wait_ms = (int)left;
	return -1;
}

int connections_take_overdue(struct connections *table, int *wait_ms)
{
	*wait_ms = -1;
	pthread_mutex_lock(&table->lock);
	int fd = take_first_overdue(table, &table->waiting, wait_ms);
	if (fd < 0)
		fd = take_first_overdue(table, &table->sending, wait_ms);
	pthread_mutex_unlock(&table->lock);
	return fd;
}

bool connections_are_full(struct connections *table)
{
	pthread_mutex_lock(&table->lock);
	bool full = table->used >= table->limit;
	pthread_mutex_unlock(&table->lock);
	return full;
}

int connections_take_spare(struct connections *table)
{
	pthread_mutex_lock(&table->lock);
	int fd = oldest_free(table, &table->waiting);
	if (fd < 0 || coarse_now_ms() - table->slots[fd].since < NEW_MS) {
		fd = oldest_free(table, &table->idle);
		while (fd >= 0 &&
			(table->slots[fd].taken || connection_has_input(fd)))
			fd = table->slots[fd].next;
	}
	if (fd >= 0)
		table->slots[fd].taken = true;
	pthread_mutex_unlock(&table->lock);
	return fd;
}

void connections_each_idle(struct connections *table, void (*say)(int fd))
{
	pthread_mutex_lock(&table->lock);
	for (int fd = table->idle.first; fd >= 0; fd = table->slots[fd].next) {
		if (!table->slots[fd].taken)
			say(fd);
	}
	pthread_mutex_unlock(&table->lock);
}

bool connections_are_none(struct connections *table)
{
	pthread_mutex_lock(&table->lock);
	bool none = table->used == 0;
	pthread_mutex_unlock(&table->lock);
	return none;
}

int connections_take_any(struct connections *table)
{
	const struct list *lists[] = {
		&table->waiting, &table->idle, &table->sending};
	int fd = -1;

	pthread_mutex_lock(&table->lock);
	for (size_t i = 0; fd < 0 && i < sizeof lists / sizeof lists[0]; i++)
		fd = oldest_free(table, lists[i]);
	if (fd >= 0)
		table->slots[fd].taken = true;
	pthread_mutex_unlock(&table->lock);
	return fd;
}
