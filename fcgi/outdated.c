/* SPDX-License-Identifier: MIT */
/*
 * The sandbox knows the root, once/ and until/ by their inodes. If another
 * directory takes the place of one, by mv(1), a mount, or a link that is
 * switched, or until/ is made, the kernel refuses it, and no right can be
 * added. So the responder ends, and the service manager starts it anew. A
 * network file system can give a directory another inode of the same number:
 * GlusterFS does so when an option of the volume is set. The kernel's handle
 * tells these apart.
 */
#include "fcgi/outdated.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/once.h"
#include "boot/until.h"

struct place {
	struct stat st; /* st_ino is 0: there is none */
	union {
		struct file_handle head; /* handle_bytes is 0: it has none */
		/* cppcheck-suppress unusedStructMember ; it makes room */
		unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle;
};

struct places {
	struct place root, once, until;
};

static const char *root_path;
static struct places known;
static bool are_known; /* known was filled in */
static int event = -1;

/* False: a system call failed, so that nothing is known. */
static bool look_at_place(int root, const char *path, struct place *out)
{
	int mount;

	*out = (struct place){.st.st_ino = 0};
	if (fstatat(root, path, &out->st, 0) < 0)
		return errno == ENOENT;
	out->handle.head.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(root, path, &out->handle.head, &mount,
		    AT_SYMLINK_FOLLOW) < 0)
		/* rare: few file systems have no handles */
		out->handle.head.handle_bytes = 0;
	return true;
}

/* False: as look_at_place() */
static bool look_at_places(struct places *out)
{
	const int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return false;
	const bool is_known = look_at_place(root, ".", &out->root) &&
	                      look_at_place(root, ONCE_DIR, &out->once) &&
	                      look_at_place(root, UNTIL_DIR, &out->until);
	close(root);
	return is_known;
}

/* no test: no sandbox may hold what is counted */
static bool is_same_place(const struct place *a, const struct place *b)
{
	const struct file_handle *x = &a->handle.head, *y = &b->handle.head;

	return a->st.st_ino == b->st.st_ino && a->st.st_dev == b->st.st_dev &&
	       x->handle_bytes == y->handle_bytes &&
	       memcmp(x->f_handle, y->f_handle, x->handle_bytes) == 0;
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
			((known.once.st.st_ino == 0 && error != EROFS) ||
				is_same_place(&now.once, &known.once))))
		return false;
	(void)!write(event, &one, sizeof one);
	return true;
}
