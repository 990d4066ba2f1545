/* SPDX-License-Identifier: MIT */
/*
 * The lock on once/.lock, which serializes all claims of a tree.
 *
 * Processes and machines share the lock by flock(2), which has no timeout, so
 * waiting means polling. Only one thread of a process polls for a root's lock.
 * The others wait in a queue as long as the lock keeps changing hands. If it
 * stops, because another program holds the lock or its holder's file system
 * hangs, queued and later threads give up at once: threads are few, and
 * machines that need no lock need them too. The polling thread goes on, so that
 * somebody notices when the lock is free.
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
#include "boot/text.h"
#include "boot/tree.h"

#define WAIT_MS 2000    /* longest wait for the lock */
#define POLL_NS 200000  /* between two attempts */
#define CHECK_MS 40     /* between two checks for claims by others */
#define REPORT_MS 10000 /* between two reports of a stuck lock */
#define FILE_REPLACED 1 /* from check_lock_file(): open the lock again */
#define PLACE_SIZE 64   /* bytes of a file's place in /proc/locks */

/* A lock without a move for this long is stuck: ten claims on a slow disk. */
#define STUCK_MS 200
/* How long to wait for a stuck lock, which may have just become free. */
#define STUCK_WAIT_MS 10

/*
 * The same on a network file system: a claim takes many round trips, and each
 * attempt is one more, which slows down the claim that it waits for.
 */
#define SHARED_WAIT_MS 5000
#define SHARED_POLL_NS 20000000
#define SHARED_STUCK_MS 2000

/* Two roots rarely share a queue, so one that hangs does not stop others. */
#define QUEUES 16

/* The threads of this process that want the lock of one root. */
struct once_queue {
	pthread_mutex_t mutex;
	pthread_cond_t freed;
	bool taken;        /* a thread has the lock, or polls for it */
	bool is_stuck;     /* the lock does not move */
	bool was_reported; /* reported is set */
	struct timespec last_progress; /* last known move of the lock */
	struct timespec reported;
};

static struct once_queue queues[QUEUES];

static void make_queues(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	/* Nobody can set this clock. */
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	for (size_t i = 0; i < QUEUES; i++) {
		pthread_mutex_init(&queues[i].mutex, NULL);
		pthread_cond_init(&queues[i].freed, &attributes);
	}
	pthread_condattr_destroy(&attributes);
}

static struct once_queue *once_queue_of(const char *root)
{
	static pthread_once_t made = PTHREAD_ONCE_INIT;

	pthread_once(&made, make_queues);
	return &queues[text_slot(root, QUEUES)];
}

static long stuck_ms(const struct tree *tree)
{
	return tree->is_shared ? SHARED_STUCK_MS : STUCK_MS;
}

/* Waits for a turn to poll. 0, or -EAGAIN: limit reached, or lock is stuck. */
static int once_queue_enter(struct once_queue *queue, const struct tree *tree,
	const struct timespec *limit)
{
	int err = 0;

	pthread_mutex_lock(&queue->mutex);
	while (queue->taken && err == 0) {
		const struct timespec stuck = moment_plus_ms(
			&queue->last_progress,
			queue->is_stuck ? STUCK_WAIT_MS : stuck_ms(tree));
		const struct timespec *until =
			moment_is_after(limit, &stuck) ? &stuck : limit;
		if (moment_has_come(until))
			err = -EAGAIN;
		else
			pthread_cond_timedwait(
				&queue->freed, &queue->mutex, until);
	}
	if (err == 0) {
		queue->taken = true;
		queue->last_progress = moment_now();
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

/* Call this when the polling thread saw the lock move, or got it. */
static void once_queue_progressed(struct once_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->is_stuck = false;
	queue->last_progress = moment_now();
	pthread_mutex_unlock(&queue->mutex);
}

/* Call this when the lock did not move. True: report a stuck lock. */
static bool once_queue_check_stuck(
	struct once_queue *queue, const struct tree *tree)
{
	bool is_due = false;

	pthread_mutex_lock(&queue->mutex);
	const struct timespec stuck =
		moment_plus_ms(&queue->last_progress, stuck_ms(tree));
	if (!queue->is_stuck && moment_has_come(&stuck)) {
		const struct timespec again =
			moment_plus_ms(&queue->reported, REPORT_MS);
		is_due = !queue->was_reported || moment_has_come(&again);
		queue->is_stuck = true;
		queue->was_reported = true;
		if (is_due)
			queue->reported = moment_now();
	}
	pthread_mutex_unlock(&queue->mutex);
	return is_due;
}

/*
 * Returns the pid that holds a lock on the file by a line of /proc/locks, or 0.
 * The pid precedes the file's place. A line with an arrow is of a waiter.
 */
static pid_t holder_in(const char *line, const char place[static PLACE_SIZE])
{
	const char *word = strstr(line, place);

	if (word == NULL || strstr(line, "->") != NULL)
		return 0; /* rare: another program waits for a lock */
	while (word > line && word[-1] != ' ')
		word--;
	const long pid = strtol(word, NULL, 10);
	return pid > 0 ? (pid_t)pid : 0;
}

/* As holder_in(), for whole lines. Moves an unfinished one to the front. */
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
		return 0; /* rare: the lock has been removed */
	snprintf(place, sizeof place, " %02x:%02x:%lu ", major(file.st_dev),
		minor(file.st_dev), (unsigned long)file.st_ino);
	const int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* no test: there is no /proc/locks */
	while (holder == 0 &&
		(n = read(fd, bytes + have, sizeof bytes - 1 - have)) > 0) {
		have += (size_t)n;
		bytes[have] = '\0';
		holder = holder_in_lines(bytes, &have, place);
	}
	close(fd);
	return holder;
}

struct lock_watch {
	struct timespec next;          /* when to look again */
	struct timespec claimed_mtime; /* st_mtim of once/.claimed */
	bool knows_mtime;
};

/* Whether other processes have claimed links since the last look. */
static bool others_claim(const struct tree *tree, struct lock_watch *watch)
{
	struct stat st;
	/* On NFS, only open(2) asks the server. */
	const int fd = openat(tree->root, CLAIMED_DIR,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false; /* rare: once/.claimed is not there */
	const bool is_seen = fstat(fd, &st) == 0;
	close(fd);
	if (!is_seen)
		return false; /* rare: fstat fails */
	const bool moved =
		watch->knows_mtime &&
		(st.st_mtim.tv_sec != watch->claimed_mtime.tv_sec ||
			st.st_mtim.tv_nsec != watch->claimed_mtime.tv_nsec);
	watch->claimed_mtime = st.st_mtim;
	watch->knows_mtime = true;
	return moved;
}

static void report_holder(const struct tree *tree)
{
	const pid_t holder = once_lock_holder(tree);

	if (holder > 0)
		once_report(ONCE_LOCK
			": held by pid %ld; no link can be claimed",
			(long)holder);
	else
		/* rare: it has just been given up */
		once_report(ONCE_LOCK
			": held by a process that is not visible from here; no link can be claimed; run pxesrvctl check");
}

static void watch_lock(struct once_queue *queue, const struct tree *tree,
	struct lock_watch *watch)
{
	const struct timespec now = moment_now();

	if (!moment_has_come(&watch->next))
		return;
	watch->next = moment_plus_ms(&now, CHECK_MS);
	if (others_claim(tree, watch))
		once_queue_progressed(queue);
	else if (once_queue_check_stuck(queue, tree))
		report_holder(tree);
}

static int poll_lock(struct once_queue *queue, const struct tree *tree, int fd,
	const struct timespec *limit)
{
	const struct timespec nap = {
		.tv_nsec = tree->is_shared ? SHARED_POLL_NS : POLL_NS};
	const struct timespec now = moment_now();
	struct lock_watch watch = {.next = moment_plus_ms(&now, CHECK_MS)};

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno; /* rare: flock fails */
		if (moment_has_come(limit))
			return -EAGAIN;
		watch_lock(queue, tree, &watch);
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* Opens once/.lock, or makes it. Returns a descriptor or -errno. */
static int open_lock_file(const struct tree *tree)
{
	/* O_NONBLOCK: somebody's lease on the file must not block us. */
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

/* Checks that an open file is the lock. 0, FILE_REPLACED or -errno. */
static int check_lock_file(const struct tree *tree, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* The file was removed while we waited: others lock a new one. */
	if (st.st_nlink == 0)
		return FILE_REPLACED;
	if (once_part_judge(tree, ONCE_LOCK, &st) == 0)
		return 0;
	const int err = once_part_make(tree, ONCE_LOCK);
	return err < 0 ? err : FILE_REPLACED;
}

/* Locks an open file. Returns as check_lock_file() does. */
static int lock_file(struct once_queue *queue, const struct tree *tree, int fd,
	const struct timespec *limit)
{
	int err = 0;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		/* Don't wait for a file that is not the lock. */
		err = errno == EWOULDBLOCK || errno == EINTR
		              ? check_lock_file(tree, fd)
		              : -errno;
		if (err == 0)
			err = poll_lock(queue, tree, fd, limit);
	}
	return err == 0 ? check_lock_file(tree, fd) : err;
}

static int open_and_lock(struct once_queue *queue, const struct tree *tree,
	const struct timespec *limit)
{
	int err;

	do {
		const int fd = open_lock_file(tree);
		if (fd < 0)
			return fd;
		err = lock_file(queue, tree, fd, limit);
		if (err == 0)
			return fd;
		close(fd);
	} while (err == FILE_REPLACED && !moment_has_come(limit));
	return err == FILE_REPLACED ? -EAGAIN : err;
}

int once_lock(const struct tree *tree)
{
	struct once_queue *queue = once_queue_of(tree->path);
	const struct timespec now = moment_now();
	const struct timespec limit = moment_plus_ms(
		&now, tree->is_shared ? SHARED_WAIT_MS : WAIT_MS);

	root_limit_pause();
	const int err = once_queue_enter(queue, tree, &limit);
	root_limit_resume();
	if (err < 0)
		return err;
	const int fd = open_and_lock(queue, tree, &limit);
	if (fd < 0)
		once_queue_leave(queue);
	else
		once_queue_progressed(queue);
	return fd;
}

void once_unlock(const struct tree *tree, int lock)
{
	close(lock); /* closing the only descriptor releases the lock */
	once_queue_leave(once_queue_of(tree->path));
}

int once_lock_test(const struct tree *tree)
{
	const int lock = once_lock(tree);
	if (lock < 0)
		return lock;
	const int other = open_lock_file(tree);
	int err = other < 0 ? other : 0;
	if (other >= 0 && flock(other, LOCK_EX | LOCK_NB) == 0)
		err = -ENOLCK; /* no test: Linux has no such file system */
	if (other >= 0)
		close(other);
	once_unlock(tree, lock);
	return err;
}

int once_parts_make_locked(const struct tree *tree)
{
	int lock = once_lock(tree);
	if (lock == -ENOENT) /* without once/, nobody is armed */
		return 0;
	if (lock < 0)
		return lock;
	int err = once_parts_make(tree);
	once_unlock(tree, lock);
	return err;
}
