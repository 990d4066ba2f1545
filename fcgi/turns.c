/* SPDX-License-Identifier: MIT */
/*
 * As many workers as there are processors have a turn. The others stand by in
 * turns_take(), and one of them is the watch. Every TICK_MS the watch checks
 * for workers that are still at work in the same step: they wait for a disk or
 * the lock, so others get their turns. The watch sleeps while nothing happens.
 */
#include "fcgi/turns.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "boot/moment.h"

/* Time between two checks: many times that of a request. */
#define TICK_MS 2
/* Checks without any work before the watch goes to sleep. */
#define QUIET_TICKS 100

struct turn {
	atomic_bool is_mine;
	atomic_uint steps; /* odd: at work; each change adds 1 */
	unsigned seen;     /* steps at the watch's last check */
};

struct turns {
	pthread_mutex_t lock;
	pthread_cond_t standby; /* a turn is free, or nobody watches */
	pthread_cond_t work;    /* there is work again */
	unsigned free;          /* turns that nobody has */
	unsigned ticks;         /* checks without work */
	bool is_watched;
	bool are_over;
	atomic_bool is_asleep; /* the watch sleeps */
	unsigned workers;
	struct turn slots[];
};

unsigned turns_processors(void)
{
	cpu_set_t processors;

	/* EINVAL: more processors than the set holds. */
	if (sched_getaffinity(0, sizeof processors, &processors) < 0)
		return CPU_SETSIZE;
	return (unsigned)CPU_COUNT(&processors);
}

/* None of these calls can fail in glibc or musl. */
static void init_conditions(struct turns *turns)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&turns->work, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_cond_init(&turns->standby, NULL);
	pthread_mutex_init(&turns->lock, NULL);
}

struct turns *turns_new(unsigned workers)
{
	struct turns *turns =
		calloc(1, sizeof *turns + workers * sizeof turns->slots[0]);
	if (turns == NULL)
		return NULL; /* no test: no memory */

	init_conditions(turns);
	turns->free = turns_processors();
	turns->workers = workers;
	return turns;
}

void turns_free(struct turns *turns)
{
	pthread_mutex_destroy(&turns->lock);
	pthread_cond_destroy(&turns->standby);
	pthread_cond_destroy(&turns->work);
	free(turns);
}

static bool is_working(unsigned steps)
{
	return steps % 2 != 0;
}

/* Frees the turns of workers that are held up. True: some worker moved. */
static bool free_held_turns(struct turns *turns)
{
	bool moves = false;

	for (unsigned i = 0; i < turns->workers; i++) {
		struct turn *turn = &turns->slots[i];
		const unsigned steps = atomic_load(&turn->steps);

		if (steps != turn->seen) {
			turn->seen = steps;
			moves = true;
		} else if (is_working(steps) && atomic_load(&turn->is_mine)) {
			atomic_store(&turn->is_mine, false);
			turns->free++;
		}
	}
	return moves;
}

static void sleep_a_tick(struct turns *turns)
{
	const struct timespec now = moment_now();
	const struct timespec until = moment_plus_ms(&now, TICK_MS);

	pthread_cond_timedwait(&turns->work, &turns->lock, &until);
}

/* Watches for one tick, or sleeps until there is work to watch. */
static void watch_turns(struct turns *turns)
{
	turns->is_watched = true;
	if (turns->ticks < QUIET_TICKS) {
		sleep_a_tick(turns);
	} else {
		/* Set before the check: a worker that resumes then signals. */
		atomic_store(&turns->is_asleep, true);
		if (!free_held_turns(turns) && !turns->are_over)
			pthread_cond_wait(&turns->work, &turns->lock);
		atomic_store(&turns->is_asleep, false);
		turns->ticks = 0;
	}
	turns->ticks = free_held_turns(turns) ? 0 : turns->ticks + 1;
	turns->is_watched = false;
}

/* Only the worker itself changes its steps. */
static void set_working(struct turn *turn, bool at_work)
{
	const unsigned odd = atomic_load(&turn->steps) | 1;

	atomic_store(&turn->steps, at_work ? odd : odd + 1);
}

bool turns_has(struct turns *turns, unsigned worker)
{
	return atomic_load(&turns->slots[worker].is_mine);
}

void turns_take(struct turns *turns, unsigned worker)
{
	struct turn *turn = &turns->slots[worker];

	pthread_mutex_lock(&turns->lock);
	set_working(turn, false);
	while (turns->free == 0 && !turns->are_over) {
		if (turns->is_watched)
			pthread_cond_wait(&turns->standby, &turns->lock);
		else
			watch_turns(turns);
	}
	if (!turns->are_over) {
		turns->free--;
		atomic_store(&turn->is_mine, true);
	}
	set_working(turn, true);
	/* Another worker may take a turn, or become the watch. */
	pthread_cond_signal(&turns->standby);
	pthread_mutex_unlock(&turns->lock);
}

void turns_rest(struct turns *turns, unsigned worker)
{
	set_working(&turns->slots[worker], false);
}

void turns_resume(struct turns *turns, unsigned worker)
{
	set_working(&turns->slots[worker], true);
	if (!atomic_load(&turns->is_asleep))
		return;
	pthread_mutex_lock(&turns->lock);
	pthread_cond_signal(&turns->work);
	pthread_mutex_unlock(&turns->lock);
}

bool turns_are_idle(struct turns *turns, unsigned *steps)
{
	*steps = 0;
	for (unsigned i = 0; i < turns->workers; i++) {
		const unsigned own = atomic_load(&turns->slots[i].steps);
		if (is_working(own))
			return false;
		*steps += own;
	}
	return true;
}

void turns_end(struct turns *turns)
{
	pthread_mutex_lock(&turns->lock);
	turns->are_over = true;
	pthread_cond_signal(&turns->work);
	pthread_cond_broadcast(&turns->standby);
	pthread_mutex_unlock(&turns->lock);
}
