/* SPDX-License-Identifier: MIT */
/*
 * The lock on once/.lock. Between processes and machines it is flock(2), which
 * has no time limit, so waiting for it means to poll. Only one thread of a
 * process polls for the lock of a root; the others stand in its queue.
 */
#include "boot/once_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "boot/moment.h"
#include "boot/once.h"
#include "boot/root_limit.h"
#include "boot/tree.h"

#define WAIT_MS 2000
#define NAP_NS 200000
#define LOOK_MS 40
#define STALE 1 /* of check_file() */
/* Ten times what a claim takes on a slow file system. */
#define STILL_MS 200
/* For those who come just when a lock that was stuck has become free. */
#define RETRY_MS 10
#define REPORT_MS 10000

/* Roots share one by chance only, so one that hangs does not stop another. */
#define QUEUES 16

/*
 * The threads of this process that want the lock of one root. The first of them
 * has it, or polls for it, and the others wait, as long as it moves from one to
 * the next. When it does not, since somebody outside holds it, or the file
 * system hangs under the one that has it, they give up at once, and so do those
 * who come later: there are few threads, and clients that need no lock want
 * one, too. The first one goes on, so that somebody finds the lock free again.
 */
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

/* That of a root, by its path as it was configured. */
static struct once_queue *once_queue_of(const char *root)
{
	static pthread_once_t made = PTHREAD_ONCE_INIT;

	pthread_once(&made, make_queues);
	return &queues[tree_slot(root, QUEUES)];
}

/*
 * Waits to be the first one. 0, or -EAGAIN when the limit, of CLOCK_MONOTONIC,
 * has come, or the lock does not move.
 */
static int once_queue_enter(
	struct once_queue *queue, const struct timespec *limit)
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

static void once_queue_leave(struct once_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->taken = false;
	pthread_cond_signal(&queue->freed);
	pthread_mutex_unlock(&queue->mutex);
}

/* From the first one: the lock moves. */
static void once_queue_move(struct once_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->is_stuck = false;
	queue->moved = moment_now();
	pthread_mutex_unlock(&queue->mutex);
}

/* From the first one: the lock has not moved. True: report that now. */
static bool once_queue_still(struct once_queue *queue)
{
	bool is_due = false;

	pthread_mutex_lock(&queue->mutex);
	const struct timespec still = moment_after(&queue->moved, STILL_MS);
	if (!queue->is_stuck && moment_has_come(&still)) {
		const struct timespec again =
			moment_after(&queue->told, REPORT_MS);
		is_due = !queue->has_told || moment_has_come(&again);
		queue->is_stuck = true;
		queue->has_told = true;
		if (is_due)
			queue->told = moment_now();
	}
	pthread_mutex_unlock(&queue->mutex);
	return is_due;
}

#define PLACE_SIZE 64

/*
 * The process that a line of /proc/locks says has the lock on a file, or 0. Its
 * number stands before the file's place. Lines with an arrow are of those who
 * wait.
 */
static pid_t holder_in(const char *line, const char place[static PLACE_SIZE])
{
	const char *word = strstr(line, place);

	if (word == NULL || strstr(line, "->") != NULL)
		return 0;
	while (word > line && word[-1] != ' ')
		word--;
	const long pid = strtol(word, NULL, 10);
	return pid > 0 ? (pid_t)pid : 0;
}

/* The same of whole lines; the rest of a line is moved to the front. */
static pid_t holder_in_lines(
	char *bytes, size_t *have, const char place[static PLACE_SIZE])
{
	char *line = bytes, *end;
	pid_t holder = 0;

	while (holder == 0 && (end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		holder = holder_in(line, place);
		line = end + 1;
	}
	*have = strlen(line);
	memmove(bytes, line, *have);
	return holder;
}

pid_t once_lock_holder(const struct tree *tree)
{
	char bytes[4096], place[PLACE_SIZE];
	size_t have = 0;
	struct stat file;
	pid_t holder = 0;
	ssize_t n;

	if (fstatat(tree->root, ONCE_LOCK, &file, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	snprintf(place, sizeof place, " %02x:%02x:%lu ", major(file.st_dev),
		minor(file.st_dev), (unsigned long)file.st_ino);
	const int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (holder == 0 &&
		(n = read(fd, bytes + have, sizeof bytes - 1 - have)) > 0) {
		have += (size_t)n;
		bytes[have] = '\0';
		holder = holder_in_lines(bytes, &have, place);
	}
	close(fd);
	return holder;
}

/* What the thread that polls has seen. */
struct watch {
	struct timespec next;    /* time to look again */
	struct timespec claimed; /* when a link came or went there */
	bool has_seen;
};

/* Whether others, in other processes, have claimed since the last time. */
static bool has_moved(const struct tree *tree, struct watch *watch)
{
	struct stat st;
	/* Opened, since NFS asks the server then. */
	const int fd = openat(tree->root, CLAIMED_DIR,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false;
	const bool is_seen = fstat(fd, &st) == 0;
	close(fd);
	if (!is_seen)
		return false;
	const bool moved =
		watch->has_seen &&
		(st.st_mtim.tv_sec != watch->claimed.tv_sec ||
			st.st_mtim.tv_nsec != watch->claimed.tv_nsec);
	watch->claimed = st.st_mtim;
	watch->has_seen = true;
	return moved;
}

static void tell(const struct tree *tree)
{
	const pid_t holder = once_lock_holder(tree);

	if (holder > 0)
		once_report(ONCE_LOCK
			": held by pid %ld; links can't be claimed "
			"meanwhile",
			(long)holder);
	else
		once_report(
			ONCE_LOCK ": held by somebody who can't be seen from "
				  "here; links can't be claimed meanwhile "
				  "(pxesrvctl check may tell more)");
}

static void look(
	struct once_queue *queue, const struct tree *tree, struct watch *watch)
{
	const struct timespec now = moment_now();

	if (!moment_has_come(&watch->next))
		return;
	watch->next = moment_after(&now, LOOK_MS);
	if (has_moved(tree, watch))
		once_queue_move(queue);
	else if (once_queue_still(queue))
		tell(tree);
}

/* Locks an open file, between processes. 0 or -errno. */
static int poll_lock(struct once_queue *queue, const struct tree *tree, int fd,
	const struct timespec *limit)
{
	const struct timespec nap = {.tv_nsec = NAP_NS}, now = moment_now();
	struct watch watch = {.next = moment_after(&now, LOOK_MS)};

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (moment_has_come(limit))
			return -EAGAIN;
		look(queue, tree, &watch);
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

/* Locks an open file, if it is the lock. As check_file(). */
static int lock_file(struct once_queue *queue, const struct tree *tree, int fd,
	const struct timespec *limit)
{
	int err = 0;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		/* Before it is waited for: it may be somebody else's file. */
		err = errno == EWOULDBLOCK || errno == EINTR
		              ? check_file(tree, fd)
		              : -errno;
		if (err == 0)
			err = poll_lock(queue, tree, fd, limit);
	}
	return err == 0 ? check_file(tree, fd) : err;
}

/* Opens the lock file and locks it. A descriptor or -errno. */
static int open_locked(struct once_queue *queue, const struct tree *tree,
	const struct timespec *limit)
{
	int err;

	do {
		const int fd = open_file(tree);
		if (fd < 0)
			return fd;
		err = lock_file(queue, tree, fd, limit);
		if (err == 0)
			return fd;
		close(fd);
	} while (err == STALE && !moment_has_come(limit));
	return err == STALE ? -EAGAIN : err;
}

int once_lock(const struct tree *tree)
{
	struct once_queue *queue = once_queue_of(tree->path);
	const struct timespec now = moment_now();
	const struct timespec limit = moment_after(&now, WAIT_MS);

	root_limit_pause();
	const int err = once_queue_enter(queue, &limit);
	root_limit_resume();
	if (err < 0)
		return err;
	const int fd = open_locked(queue, tree, &limit);
	if (fd < 0)
		once_queue_leave(queue);
	else
		once_queue_move(queue);
	return fd;
}

void once_unlock(const struct tree *tree, int lock)
{
	close(lock); /* the only descriptor: this gives up the lock */
	once_queue_leave(once_queue_of(tree->path));
}

int once_prepare(const struct tree *tree)
{
	int lock = once_lock(tree);
	if (lock == -ENOENT) /* no once/: nobody is armed */
		return 0;
	if (lock < 0)
		return lock;
	int err = once_parts_make(tree);
	once_unlock(tree, lock);
	return err;
}
