/* SPDX-License-Identifier: MIT */
#include "once_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "claim.h"
#include "moment.h"
#include "tree.h"

#define WAIT_SECONDS 2
#define NAP_NS 200000

/*
 * The threads of this process queue here, and only one of them asks the file
 * system: flock(2) has no time limit, so waiting there means to poll. This is
 * a mutex whose wait ends by a clock that nobody sets.
 */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed;
static bool taken;

static void make_freed(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&freed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* 0, or -EAGAIN when the time is over. */
static int lock_threads(const struct timespec *limit)
{
	static pthread_once_t made = PTHREAD_ONCE_INIT;
	int error = 0;

	pthread_once(&made, make_freed);
	pthread_mutex_lock(&mutex);
	while (taken && error == 0)
		error = pthread_cond_timedwait(&freed, &mutex, limit);
	const bool mine = !taken;
	taken = true;
	pthread_mutex_unlock(&mutex);
	return mine ? 0 : -EAGAIN;
}

static void unlock_threads(void)
{
	pthread_mutex_lock(&mutex);
	taken = false;
	pthread_cond_signal(&freed);
	pthread_mutex_unlock(&mutex);
}

/* Locks an open file, between processes. 0 or -errno. */
static int lock_until(int fd, const struct timespec *limit)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (moment_has_come(limit))
			return -EAGAIN;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int open_file(const struct tree *tree)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	const int fd = openat(tree->root, ONCE_LOCK, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	return openat(tree->root, ONCE_LOCK, flags | O_CREAT,
		claim_mode(tree) & ~(mode_t)(S_IXUSR | S_IXGRP | S_IXOTH));
}

/* Opens the lock file and locks it. A descriptor or -errno. */
static int open_locked(const struct tree *tree, const struct timespec *limit)
{
	for (;;) {
		int fd = open_file(tree);
		if (fd < 0)
			return -errno;

		struct stat st;
		int err = lock_until(fd, limit);
		if (err == 0 && fstat(fd, &st) < 0)
			err = -errno;
		if (err == 0 && st.st_nlink > 0)
			return fd;
		close(fd);
		if (err < 0)
			return err;
		/* Removed while it was waited for: others lock a new one. */
	}
}

int once_lock(const struct tree *tree)
{
	struct timespec limit;
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += WAIT_SECONDS;

	int err = lock_threads(&limit);
	if (err < 0)
		return err;
	int fd = open_locked(tree, &limit);
	if (fd < 0)
		unlock_threads();
	return fd;
}

void once_unlock(int lock)
{
	close(lock); /* the only descriptor: this gives up the lock */
	unlock_threads();
}
