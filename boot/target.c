/* SPDX-License-Identifier: MIT */
/*
 * Follows the links of an entry to the boot file. The kernel could follow them,
 * but any name on the way may decide the Content-Type, and an absolute link
 * that begins with the root's path counts from the root.
 */
#include "boot/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/tree.h"

/* O_NONBLOCK: a fifo must not wait for its writer. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

/*
 * The type by a file's name, or NULL. UEFI HTTP Boot starts a file only when
 * its type is one of these, without parameters (UEFI 2.10, 24.7.3.1).
 */
static const char *type_by_name(const char *path)
{
	static const struct {
		const char *suffix;
		const char *type;
	} types[] = {
		{".efi", "application/efi"},
		{".iso", "application/vnd.efi-iso"},
		{".img", "application/vnd.efi-img"},
	};
	size_t length = strlen(path);

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		size_t n = strlen(types[i].suffix);
		if (length > n &&
			strcasecmp(path + length - n, types[i].suffix) == 0)
			return types[i].type;
	}
	return NULL;
}

/* Replaces path, which is that of a link, by the link's text. 0 or -errno. */
static int follow_link_text(
	const struct tree *tree, char path[static PATH_MAX], const char *text)
{
	size_t base = 0;

	if (text[0] == '/') {
		const char *inside = tree_strip(tree, text);
		if (inside != NULL)
			text = inside;
	} else {
		const char *slash = strrchr(path, '/');
		base = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	}
	if (base + strlen(text) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(path + base, text);
	return 0;
}

static int follow_link_at(const struct tree *tree, char path[static PATH_MAX])
{
	char text[PATH_MAX];
	int err = tree_read_link(tree, path, text);

	if (err < 0)
		/* rare: it has just stopped being a link. Look again. */
		return err == -EINVAL ? 0 : err;
	return follow_link_text(tree, path, text);
}

struct tracer {
	void (*step)(const char *path,
		void *context); /* gets each path on the way; or NULL */
	void *context;
};

static int open_followed(const struct tree *tree, char path[static PATH_MAX],
	const char **type, const struct tracer *tracer)
{
	for (int links = 0; links <= TREE_LINKS_MAX; links++) {
		if (tracer->step != NULL)
			tracer->step(path, tracer->context);
		if (*type == NULL)
			*type = type_by_name(path);

		int fd = tree_open_at(tree, path, OPEN_FLAGS);
		if (fd != -ELOOP)
			return fd;
		int err = follow_link_at(tree, path);
		if (err < 0)
			return err; /* no test: a second link, over 4096 */
	}
	return -ELOOP;
}

/* Returns 0, or -errno if the open file can't be a boot file. */
static int read_size(int fd, off_t *size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	*size = st.st_size;
	return 0;
}

/*
 * Fills in the target of an open file, or closes the file if it can't be a boot
 * file. fd may be -errno, size -1 (unknown), type NULL (unknown).
 */
static int accept_target(const struct tree *tree, int fd, off_t size,
	const char *type, struct target *out)
{
	if (fd < 0)
		return fd;
	int err = size < 0 ? read_size(fd, &size) : 0;
	if (err < 0) {
		tree_close_file(tree, fd);
		return err;
	}
	if (type == NULL)
		type = "text/plain; charset=utf-8";
	*out = (struct target){.fd = fd, .size = size, .type = type};
	return 0;
}

static int open_traced(const struct tree *tree, const char *entry,
	const char *text, const struct tracer *tracer, struct target *out)
{
	char path[PATH_MAX];
	const char *type = NULL;

	if (strlen(entry) >= sizeof path)
		return -ENAMETOOLONG; /* no test: all entries are short */
	strcpy(path, entry);
	if (text != NULL) {
		int err = follow_link_text(tree, path, text);
		if (err < 0)
			return err;
	}
	int fd = open_followed(tree, path, &type, tracer);
	int err = accept_target(tree, fd, -1, type, out);
	/* The kernel would open the file that it remembers again and again. */
	if (err == -ESTALE)
		tree_look_up_anew(tree, path);
	return err;
}

int target_open(const struct tree *tree, const char *entry, const char *text,
	struct target *out)
{
	static const struct tracer nobody = {NULL, NULL};

	return open_traced(tree, entry, text, &nobody, out);
}

int target_trace(const struct tree *tree, const char *entry, const char *text,
	void (*step)(const char *path, void *context), void *context,
	struct target *out)
{
	const struct tracer tracer = {step, context};

	return open_traced(tree, entry, text, &tracer, out);
}

int target_open_default(const struct tree *tree, struct target *out)
{
	off_t size;
	const int fd = tree_open_default(tree, OPEN_FLAGS, &size);

	return accept_target(tree, fd, size, type_by_name(TREE_DEFAULT), out);
}

void target_close(const struct tree *tree, struct target *target)
{
	if (target->fd >= 0)
		tree_close_file(tree, target->fd);
	target->fd = -1;
}
