/* SPDX-License-Identifier: MIT */
#include "boot/once_queue.h"

#include <errno.h>
#include <pthread.h>

#include "boot/moment.h"
#include "boot/tree.h"

/* Ten times what a claim takes on a slow file system. */
#define STILL_MS 200
/* For those who come just when a lock that was stuck has become free. */
#define RETRY_MS 10
#define NEWS_MS 10000

/* Roots share one by chance only, so one that hangs does not stop another. */
#define QUEUES 16

struct once_queue {
	pthread_mutex_t mutex;
	pthread_cond_t freed;
	bool taken;            /* a thread has the lock, or polls for it */
	bool is_stuck;         /* the lock has not moved when last seen */
	bool has_told;         /* that, at the time of told */
	struct timespec moved; /* when it last did, as far as is known */
	struct timespec told;
};

static struct once_queue queues[QUEUES];

static void make_queues(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	/* Nobody sets that clock. */
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	for (size_t i = 0; i < QUEUES; i++) {
		pthread_mutex_init(&queues[i].mutex, NULL);
		pthread_cond_init(&queues[i].freed, &attributes);
	}
	pthread_condattr_destroy(&attributes);
}

struct once_queue *once_queue_of(const char *root)
{
	static pthread_once_t made = PTHREAD_ONCE_INIT;

	pthread_once(&made, make_queues);
	return &queues[tree_slot(root, QUEUES)];
}

int once_queue_enter(struct once_queue *queue, const struct timespec *limit)
{
	int err = 0;

	pthread_mutex_lock(&queue->mutex);
	while (queue->taken && err == 0) {
		const struct timespec still = moment_after(
			&queue->moved, queue->is_stuck ? RETRY_MS : STILL_MS);
		const struct timespec *until =
			moment_is_after(limit, &still) ? &still : limit;
		if (moment_has_come(until))
			err = -EAGAIN;
		else
			pthread_cond_timedwait(
				&queue->freed, &queue->mutex, until);
	}
	if (err == 0) {
		queue->taken = true;
		queue->moved = moment_now();
	}
	pthread_mutex_unlock(&queue->mutex);
	return err;
}

void once_queue_leave(struct once_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->taken = false;
	pthread_cond_signal(&queue->freed);
	pthread_mutex_unlock(&queue->mutex);
}

void once_queue_move(struct once_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->is_stuck = false;
	queue->moved = moment_now();
	pthread_mutex_unlock(&queue->mutex);
}

bool once_queue_still(struct once_queue *queue)
{
	bool is_news = false;

	pthread_mutex_lock(&queue->mutex);
	const struct timespec still = moment_after(&queue->moved, STILL_MS);
	if (!queue->is_stuck && moment_has_come(&still)) {
		const struct timespec again =
			moment_after(&queue->told, NEWS_MS);
		is_news = !queue->has_told || moment_has_come(&again);
		queue->is_stuck = true;
		queue->has_told = true;
		if (is_news)
			queue->told = moment_now();
	}
	pthread_mutex_unlock(&queue->mutex);
	return is_news;
}
