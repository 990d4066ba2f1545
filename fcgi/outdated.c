/* SPDX-License-Identifier: MIT */
/*
 * The sandbox knows the root, once/ and until/ by their inodes. If another
 * directory takes the place of one, by mv(1), a mount, or a link that is
 * switched, or until/ is made, the kernel refuses it, and no right can be
 * added. So the responder ends, and the service manager starts it anew.
 */
#include "fcgi/outdated.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/once.h"
#include "boot/until.h"

struct places {
	struct stat root, once, until; /* st_ino is 0: there is none */
};

static const char *root_path;
static struct places known;
static bool are_known; /* known was filled in */
static int event = -1;

/* False: a system call failed, so that nothing is known. */
static bool look_at(int root, const char *directory, struct stat *out)
{
	return fstatat(root, directory, out, 0) == 0 || errno == ENOENT;
}

/* As look_at(), for all places. */
static bool look_at_places(struct places *out)
{
	*out = (struct places){.root.st_ino = 0};
	const int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return false;
	const bool is_known = fstat(root, &out->root) == 0 &&
	                      look_at(root, ONCE_DIR, &out->once) &&
	                      look_at(root, UNTIL_DIR, &out->until);
	close(root);
	return is_known;
}

/* no test: no sandbox may hold what is counted */
static bool is_same_place(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

int outdated_open(const char *root)
{
	root_path = root;
	are_known = look_at_places(&known);
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return event;
}

/* no test: as above */
bool outdated_check(int error)
{
	const uint64_t one = 1;
	struct places now;

	if (!look_at_places(&now))
		return false; /* the root may come back */
	/*
	 * Where once/ was not there at the start, Landlock allows it anywhere
	 * in the root, but systemd's ReadWritePaths= does not.
	 */
	if (!are_known ||
		(is_same_place(&now.root, &known.root) &&
			is_same_place(&now.until, &known.until) &&
			((known.once.st_ino == 0 && error != EROFS) ||
				is_same_place(&now.once, &known.once))))
		return false;
	(void)!write(event, &one, sizeof one);
	return true;
}
