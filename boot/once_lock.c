/* SPDX-License-Identifier: MIT */
/* flock(2) has no time limit, so waiting for it means to poll. */
#include "boot/once_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/moment.h"
#include "boot/once_holder.h"
#include "boot/once_news.h"
#include "boot/once_parts.h"
#include "boot/once_queue.h"
#include "boot/root_limit.h"
#include "boot/tree.h"

#define WAIT_MS 2000
#define NAP_NS 200000
#define LOOK_MS 40
#define STALE 1 /* of check_file() */

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
	const pid_t holder = once_holder(tree);

	if (holder > 0)
		once_news(ONCE_LOCK ": held by pid %ld; links can't be claimed "
				    "meanwhile",
			(long)holder);
	else
		once_news(ONCE_LOCK ": held by somebody who can't be seen from "
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
