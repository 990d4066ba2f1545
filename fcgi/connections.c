/* SPDX-License-Identifier: MIT */
#include "connections.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS (CONNECTION_PATIENCE * INT64_C(1000))
/* A peer that has just connected is about to send its request. */
#define NEW_MS 10

/* A doubly linked list of table slots, by number; -1: the end. */
struct list {
	int first, last;
};

struct slot {
	uint32_t generation; /* tells apart who had this number in turn */
	bool taken;
	bool again;        /* something came in while it was taken */
	struct list *list; /* NULL: not in the table */
	int previous, next;
	int64_t since; /* when it came into its list, in milliseconds */
};

struct connections {
	pthread_mutex_t lock;
	struct list waiting; /* for the rest of a request; oldest first */
	struct list kept;    /* silent after an answer; oldest first */
	size_t open, limit;  /* how many are in the lists, and may be */
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
	all->open--;
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
	all->open++;
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
	all->waiting = all->kept = (struct list){-1, -1};
	all->max = max;
	all->limit = limit;
	return all;
}

void connections_free(struct connections *all)
{
	int fd;

	while ((fd = connections_take_any(all)) >= 0) {
		connections_drop(all, fd);
		close(fd);
	}
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

bool connections_add(struct connections *all, int fd, bool kept)
{
	if (fd < 0 || (size_t)fd >= all->max)
		return false;

	pthread_mutex_lock(&all->lock);
	struct slot *slot = &all->slots[fd];
	slot->generation++;
	slot->taken = true;
	slot->again = false;
	append(all, kept ? &all->kept : &all->waiting, fd);
	pthread_mutex_unlock(&all->lock);
	return true;
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
	if (news == CONNECTION_SERVED) {
		unlink_slot(all, fd);
		append(all, &all->kept, fd);
	} else if (news == CONNECTION_BEGUN && slot->list == &all->kept) {
		unlink_slot(all, fd);
		append(all, &all->waiting, fd);
	}
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

int connections_take_overdue(struct connections *all, int *wait_ms)
{
	pthread_mutex_lock(&all->lock);
	int fd = oldest(all, &all->waiting);
	*wait_ms = -1;
	if (fd >= 0) {
		int64_t left = all->slots[fd].since + PATIENCE_MS - now_ms();
		if (left > 0) {
			*wait_ms = (int)left;
			fd = -1;
		} else {
			all->slots[fd].taken = true;
		}
	}
	pthread_mutex_unlock(&all->lock);
	return fd;
}

bool connections_are_full(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	bool full = all->open >= all->limit;
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

size_t connections_count(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	size_t count = all->open;
	pthread_mutex_unlock(&all->lock);
	return count;
}

int connections_take_any(struct connections *all)
{
	pthread_mutex_lock(&all->lock);
	int fd = oldest(all, &all->waiting);
	if (fd < 0)
		fd = oldest(all, &all->kept);
	if (fd >= 0)
		all->slots[fd].taken = true;
	pthread_mutex_unlock(&all->lock);
	return fd;
}
