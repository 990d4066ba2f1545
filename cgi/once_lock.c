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

#include "moment.h"
#include "once_parts.h"
#include "tree.h"

#define WAIT_SECONDS 2
#define NAP_NS 200000
#define STALE 1 /* of check_file() */

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

/* A descriptor or -errno. */
static int open_file(const struct tree *tree)
{
	/* Not waiting for somebody who has a lease on a file of his. */
	const int flags =
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(tree->root, ONCE_LOCK, flags);

	if (fd >= 0)
		return fd;
	const int err = -errno;
	const int made = once_part_make(tree, ONCE_LOCK);
	if (made < 0)
		return err == -ENOENT ? made : err;
	fd = openat(tree->root, ONCE_LOCK, flags);
	return fd < 0 ? -errno : fd;
}

/* Whether an open file is the lock. 0, STALE: not any more, or -errno. */
static int check_file(const struct tree *tree, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Removed while it was waited for: others lock a new one. */
	if (st.st_nlink == 0)
		return STALE;
	if (once_part_judge(tree, ONCE_LOCK, &st) == 0)
		return 0;
	const int err = once_part_make(tree, ONCE_LOCK);
	return err < 0 ? err : STALE;
}

/* Opens the lock file and locks it. A descriptor or -errno. */
static int open_locked(const struct tree *tree, const struct timespec *limit)
{
	for (;;) {
		int fd = open_file(tree);
		if (fd < 0)
			return fd;

		int err = lock_until(fd, limit);
		if (err == 0)
			err = check_file(tree, fd);
		if (err == 0)
			return fd;
		close(fd);
		if (err < 0 || moment_has_come(limit))
			return err < 0 ? err : -EAGAIN;
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

void once_unlock(const struct tree *tree, int lock)
{
	(void)tree;
	close(lock); /* the only descriptor: this gives up the lock */
	unlock_threads();
}
