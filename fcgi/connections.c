/* SPDX-License-Identifier: MIT */
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
	int64_t since; /* when it came into its list, in milliseconds */
	struct sending *sending; /* the answer that it is in the list for */
};

struct connections {
	pthread_mutex_t lock;
	struct list waiting; /* for the rest of a request; oldest first */
	struct list kept;    /* silent after an answer; oldest first */
	struct list sending; /* to a peer that takes nothing; longest first */
	size_t used, limit;  /* weight of what is in the lists, and may be */
	size_t max;
	struct slot slots[]; /* by descriptor */
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void unlink_slot(struct connections *all, int fd)
{
	struct slot *slot = &all->slots[fd];
	struct list *list = slot->list;

	if (list == NULL)
		return;
	if (slot->previous >= 0)
		all->slots[slot->previous].next = slot->next;
	else
		list->first = slot->next;
	if (slot->next >= 0)
		all->slots[slot->next].previous = slot->previous;
	else
		list->last = slot->previous;
	slot->list = NULL;
	all->used -= list->weight;
}

static void append(struct connections *all, struct list *list, int fd)
{
	struct slot *slot = &all->slots[fd];

	slot->list = list;
	slot->since = now_ms();
	slot->next = -1;
	slot->previous = list->last;
	if (list->last >= 0)
		all->slots[list->last].next = fd;
	else
		list->first = fd;
	list->last = fd;
	all->used += list->weight;
}

struct connections *connections_new(size_t max, size_t limit)
{
	/* Pages of numbers that are never used are never touched. */
	struct connections *all =
		calloc(1, sizeof *all + max * sizeof all->slots[0]);
	if (all == NULL)
		return NULL;
	if (pthread_mutex_init(&all->lock, NULL) != 0) {
		free(all);
		return NULL;
	}
	all->waiting =
		(struct list){-1, -1, 1, CONNECTION_PATIENCE * INT64_C(1000)};
	all->kept = (struct list){-1, -1, 1, 0};
	all->sending = (struct list){-1, -1, SENDING_WEIGHT,
		CONNECTION_SENDING_PATIENCE * INT64_C(1000)};
	all->max = max;
	all->limit = limit;
	return all;
}

void connections_free(struct connections *all)
{
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* The oldest of a list that nobody has, or -1. */
static int oldest(struct connections *all, const struct list *list)
{
	int fd = list->first;
	while (fd >= 0 && all->slots[fd].taken)
		fd = all->slots[fd].next;
	return fd;
}

static bool has_input(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLIN};
	return poll(&peer, 1, 0) != 0;
}

/* Where a connection belongs; NULL: where it is. */
static struct list *list_for(struct connections *all, const struct slot *slot,
	enum connection_news news)
{
	switch (news) {
	case CONNECTION_SERVED:
		return &all->kept;
	case CONNECTION_SENDING:
		return &all->sending;
	case CONNECTION_BEGUN:
		return slot->list == &all->waiting ? NULL : &all->waiting;
	default:
		return slot->list == NULL ? &all->waiting : NULL;
	}
}

static void sort(struct connections *all, int fd, enum connection_news news)
{
	struct list *list = list_for(all, &all->slots[fd], news);

	if (list != NULL) {
		unlink_slot(all, fd);
		append(all, list, fd);
	}
}

bool connections_add(struct connections *all, int fd, enum connection_news news)
{
	if (fd < 0 || (size_t)fd >= all->max)
		return false;

	pthread_mutex_lock(&all->lock);
	struct slot *slot = &all->slots[fd];
	slot->generation++;
	slot->taken = true;
	slot->again = false;
	slot->sending = NULL;
	sort(all, fd, news);
	pthread_mutex_unlock(&all->lock);
	return true;
}

/* Only who has taken a connection asks, so these need no lock. */
struct sending *connections_sending(struct connections *all, int fd)
{
	return all->slots[fd].sending;
}

void connections_set_sending(
	struct connections *all, int fd, struct sending *sending)
{
	all->slots[fd].sending = sending;
}

uint64_t connections_name(struct connections *all, int fd)
{
	pthread_mutex_lock(&all->lock);
	uint64_t name =
		(uint64_t)all->slots[fd].generation << 32 | (uint32_t)fd;
	pthread_mutex_unlock(&all->lock);
	return name;
}

int connections_take(struct connections *all, uint64_t name)
{
	const int fd = (int)(name & 0x7fffffff);
	struct slot *slot = &all->slots[fd];
	int result = -1;

	pthread_mutex_lock(&all->lock);
	/* Another generation: an event of one that had this number before. */
	const bool is_it = slot->generation == name >> 32;
	if (is_it && slot->taken) {
		slot->again = true;
	} else if (is_it && slot->list != NULL) {
		slot->taken = true;
		result = fd;
	}
	pthread_mutex_unlock(&all->lock);
	return result;
}

bool connections_put_back(
	struct connections *all, int fd, enum connection_news news)
{
	struct slot *slot = &all->slots[fd];

	pthread_mutex_lock(&all->lock);
	sort(all, fd, news);
	bool back = !slot->again;
	slot->again = false;
	slot->taken = !back;
	pthread_mutex_unlock(&all->lock);
	return back;
}

void connections_drop(struct connections *all, int fd)
{
	pthread_mutex_lock(&all->lock);
	unlink_slot(all, fd);
	pthread_mutex_unlock(&all->lock);
}

/*
 * Takes the first of a list if its time is over. Else lets wait_ms, -1 being
 * for ever, be no longer than the time that is left, and returns -1.
 */
static int take_first_overdue(
	struct connections *all, const struct list *list, int *wait_ms)
{
	const int fd = oldest(all, list);
	if (fd < 0)
		return -1;

	struct slot *slot = &all->slots[fd];
	const int64_t left = slot->since + list->patience_ms - now_ms();
	if (left <= 0) {
		slot->taken = true;
		return fd;
	}
	if (*wait_ms < 0 || left < *wait_ms)
		*wait_ms = (int)left;
	return -1;
}

int connections_take_overdue(struct connections *all, int *wait_ms)
{
	*wait_ms = -1;
	pthread_mutex_lock(&all->lock);
	int fd = take_first_overdue(all, &all->waiting, wait_ms);
	if (fd < 0)
		fd = take_first_overdue(all, &all->sending, wait_ms);
	pthread_mutex_unlock(&all->lock);
	return fd;
}

bool connections_are_full(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	bool full = all->used >= all->limit;
	pthread_mutex_unlock(&all->lock);
	return full;
}

int connections_take_spare(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	int fd = oldest(all, &all->waiting);
	if (fd < 0 || now_ms() - all->slots[fd].since < NEW_MS) {
		fd = oldest(all, &all->kept);
		while (fd >= 0 && (all->slots[fd].taken || has_input(fd)))
			fd = all->slots[fd].next;
	}
	if (fd >= 0)
		all->slots[fd].taken = true;
	pthread_mutex_unlock(&all->lock);
	return fd;
}

void connections_each_kept(struct connections *all, void (*say)(int fd))
{
	pthread_mutex_lock(&all->lock);
	for (int fd = all->kept.first; fd >= 0; fd = all->slots[fd].next) {
		if (!all->slots[fd].taken)
			say(fd);
	}
	pthread_mutex_unlock(&all->lock);
}

bool connections_are_none(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	bool none = all->used == 0;
	pthread_mutex_unlock(&all->lock);
	return none;
}

int connections_take_any(struct connections *all)
{
	const struct list *lists[] = {&all->waiting, &all->kept, &all->sending};
	int fd = -1;

	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; fd < 0 && i < sizeof lists / sizeof lists[0]; i++)
		fd = oldest(all, lists[i]);
	if (fd >= 0)
		all->slots[fd].taken = true;
	pthread_mutex_unlock(&all->lock);
	return fd;
}
