/* SPDX-License-Identifier: MIT */
/*
 * Where links lead. The input: the text of an entry, a line feed, the text of
 * a second link that it can lead through. "@" is the place of the tree.
 */
#include "boot/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/tree.h"
#include "fuzz.h"

static const struct fuzz_entry entries[] = {
	{"root/default", NULL, 10},
	{"root/os/boot", NULL, 20},
	{"root/os/shim.efi", NULL, 30},
	{"root/os/link", "boot", 0},
	{"root/l/loop", "loop", 0},
	{"root/l/relative", "../os/boot", 0},
	{"root/l/absolute", "@/root/os/boot", 0},
	{"root/l/out", "../../out/secret", 0},
	{"root/d", "os", 0},
	{"root/o", "@/out", 0},
	{"root/up", "..", 0},
	{"out/secret", NULL, 40},
	{"out/in", "../root", 0},
	{"allowed/boot", NULL, 50},
	{"allowed/out", "@/out/secret", 0},
	{"rooted/secret", NULL, 60},
};

static char root[PATH_MAX], allowed[PATH_MAX];
static int directory; /* root/l, where the two links lie */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[PATH_MAX];

	(void)argc;
	(void)argv;
	fuzz_tree(entries, sizeof entries / sizeof entries[0]);
	MUST(fuzz_expand("@/root", root, sizeof root));
	MUST(fuzz_expand("@/allowed", allowed, sizeof allowed));
	MUST(fuzz_expand("@/root/fifo", path, sizeof path));
	MUST(mkfifo(path, 0600) == 0);
	MUST(fuzz_expand("@/root/l", path, sizeof path));
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	MUST(directory >= 0);
	return 0;
}

/* Makes the link anew. False: no link can have this text. */
static bool make_link(const char *name, char text[static PATH_MAX], char end,
	struct input *in)
{
	char *raw = fuzz_string(in, end);
	bool made = fuzz_expand(raw, text, PATH_MAX);

	free(raw);
	unlinkat(directory, name, 0);
	return made && symlinkat(text, directory, name) == 0;
}

static bool is_below(const char *path, const char *above)
{
	return strncmp(path, above, strlen(above)) == 0 &&
	       path[strlen(above)] == '/';
}

/* Where an open file lies, by the kernel's word, and what it is. */
static bool is_inside(int fd, struct stat *st)
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	MUST(n > 0 && fstat(fd, st) == 0);
	path[n] = '\0';
	return S_ISREG(st->st_mode) &&
	       (is_below(path, root) || is_below(path, allowed));
}

/* Opens the entry as PXESrv does. False, or what was opened. */
static bool open_entry(const char *text, struct stat *st)
{
	struct tree tree;
	struct target target = {.fd = -1};
	const uint64_t before = fuzz_descriptors();

	MUST(tree_open(root, allowed, &tree) == 0);
	int err = target_open(&tree, "l/entry", text, &target);
	MUST(err <= 0);
	if (err == 0) {
		MUST(is_inside(target.fd, st));
		MUST((fcntl(target.fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
		MUST(target.size == st->st_size);
		MUST(strlen(target.type) > 0);
	}
	target_close(&tree, &target);
	tree_close(&tree);
	MUST(fuzz_descriptors() == before);
	return err == 0;
}

/* What is where the kernel follows the links to: 0 or -errno. */
static int follow_entry(struct stat *st)
{
	int fd = openat(directory, "entry", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	bool inside = is_inside(fd, st);
	close(fd);
	return inside ? 0 : -EXDEV;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	char text[PATH_MAX], second[PATH_MAX];
	struct stat want, got, again;

	if (!make_link("entry", text, '\n', &in))
		return 0;
	make_link("second", second, '\0', &in);
	bool opened = open_entry(text, &got);
	fuzz_tally(opened);
	MUST(open_entry(NULL, &again) == opened);

	/*
	 * What a descriptor's name means differs from one call to the next;
	 * and one text behind the other may be longer than a path can be.
	 */
	if (size > PATH_MAX / 2 || strstr(text, "/proc") ||
		strstr(text, "/dev") || strstr(second, "/proc") ||
		strstr(second, "/dev"))
		return 0;
	int err = follow_entry(&want);
	if (err == 0)
		MUST(opened && got.st_ino == want.st_ino);
	else /* It counts the links of directories together with the others. */
		MUST(!opened || err == -ELOOP);
	if (opened)
		MUST(got.st_ino == again.st_ino);
	return 0;
}
