/* SPDX-License-Identifier: MIT */
/*
 * Watches the directories that links of once/ and until/ move between, by
 * inotify(7). It works where only this machine changes the file system.
 */
#include "ctl/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "boot/file_system.h"
#include "boot/once.h"
#include "boot/tree.h"
#include "boot/until.h"

/* ".": once/ and until/ may be made, or be replaced. */
static const char *const directories[] = {
	".", ONCE_DIR, CLAIMED_DIR, SERVED_DIR, UNTIL_DIR, DONE_DIR};

void watch_open(struct watch *out)
{
	out->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

void watch_close(struct watch *watch)
{
	if (watch->inotify >= 0)
		close(watch->inotify);
	watch->inotify = -1;
}

/* False: it can't be watched. One that is missing needs no watch. */
static bool watch_directory(int inotify, int root, const char *path)
{
	char link[32];
	const int fd = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	/* A second watch of a directory changes nothing. */
	const bool is_watched = file_system_is_local(fd) &&
	                        inotify_add_watch(inotify, link,
					IN_CREATE | IN_DELETE | IN_MOVE) >= 0;
	close(fd);
	return is_watched;
}

void watch_renew(struct watch *watch, const struct tree *tree)
{
	const size_t count = sizeof directories / sizeof directories[0];
	char events[4096];
	size_t i = 0;

	if (watch->inotify < 0)
		return;
	while (read(watch->inotify, events, sizeof events) > 0)
		;
	while (i < count &&
		watch_directory(watch->inotify, tree->root, directories[i]))
		i++;
	if (i < count)
		watch_close(watch);
}
