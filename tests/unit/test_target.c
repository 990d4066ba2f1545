/* SPDX-License-Identifier: MIT */
/* Where links lead, in a real small tree. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "boot/target.h"
#include "boot/tree.h"
#include "scratch.h"
#include "tap.h"

#define PLAIN "text/plain; charset=utf-8"

/* The tree; ROOT and OUT in a link's text are the real directories. */
static const struct {
	const char *path, *link; /* NULL: a file of one line */
} entries[] = {
	{"root/default", NULL},
	{"root/os/boot", NULL},
	{"root/os/shim.efi", NULL},
	{"root/os/UPPER.EFI", NULL},
	{"root/os/disk.iso", NULL},
	{"root/os/disk.img", NULL},
	{"out/secret", NULL},
	{"out/allowed/boot", NULL},
	{"rooted/secret", NULL},
	{"alias", "root"},
	{"root/l/relative", "../os/boot"},
	{"root/l/absolute", "ROOT/os/boot"},
	{"root/l/slashes", "ROOT///os//boot"},
	{"root/l/chain", "relative"},
	{"root/l/chain-absolute", "ROOT/l/absolute"},
	{"root/l/named.efi", "../os/boot"},
	{"root/l/through-name", "named.efi"},
	{"root/l/program", "../os/shim.efi"},
	{"root/l/missing", "../os/nothing"},
	{"root/l/loop", "loop"},
	{"root/l/loop-a", "loop-b"},
	{"root/l/loop-b", "loop-a"},
	{"root/l/directory", "../os"},
	{"root/l/root", "ROOT"},
	{"root/l/root-dot", ".."},
	{"root/l/outside", "OUT/secret"},
	{"root/l/outside-relative", "../../out/secret"},
	{"root/l/prefix", "ROOTed/secret"},
	{"root/l/climb", "ROOT/../out/secret"},
	{"root/l/out-and-in", "../../root/os/boot"},
	{"root/l/allowed", "OUT/allowed/boot"},
	{"root/l/to-outside-link", "outside"},
	{"root/l/by-alias", "ROOT/../alias/os/boot"},
	{"root/l/proc", "/proc/self/environ"},
	{"root/l/device", "/dev/zero"},
	{"root/l/fifo", "../special/fifo"},
	{"root/l/socket", "../special/socket"},
	{"root/l/slash", "../os/boot/"},
	{"root/dirs/absolute", "ROOT/os"},
	{"root/dirs/relative", "../os"},
	{"root/dirs/outside", "OUT"},
	{"root/l/in-absolute-dir", "../dirs/absolute/boot"},
	{"root/l/in-relative-dir", "../dirs/relative/boot"},
	{"root/l/in-outside-dir", "../dirs/outside/secret"},
	{"root/l/above-relative-dir", "../dirs/relative/../l/relative"},
};

/* want: 0 or the errno. */
static const struct {
	const char *entry;
	int want;
	const char *type;
} cases[] = {
	{"default", 0, PLAIN},
	{"nothing", ENOENT, NULL},
	{"os", EISDIR, NULL},
	{"os/shim.efi", 0, "application/efi"},
	{"os/UPPER.EFI", 0, "application/efi"},
	{"os/disk.iso", 0, "application/vnd.efi-iso"},
	{"os/disk.img", 0, "application/vnd.efi-img"},
	{"l/relative", 0, PLAIN},
	{"l/absolute", 0, PLAIN},
	{"l/slashes", 0, PLAIN},
	{"l/chain", 0, PLAIN},
	{"l/chain-absolute", 0, PLAIN},
	{"l/named.efi", 0, "application/efi"},
	{"l/through-name", 0, "application/efi"},
	{"l/program", 0, "application/efi"},
	{"l/missing", ENOENT, NULL},
	{"l/loop", ELOOP, NULL},
	{"l/loop-a", ELOOP, NULL},
	{"l/directory", EISDIR, NULL},
	{"l/root", EISDIR, NULL},
	{"l/root-dot", EISDIR, NULL},
	{"l/outside", EXDEV, NULL},
	{"l/outside-relative", EXDEV, NULL},
	{"l/prefix", EXDEV, NULL},
	{"l/climb", EXDEV, NULL},
	{"l/out-and-in", 0, PLAIN},
	{"l/allowed", 0, PLAIN},
	{"l/to-outside-link", EXDEV, NULL},
	{"l/by-alias", 0, PLAIN},
	{"l/proc", EXDEV, NULL},
	{"l/device", EXDEV, NULL},
	{"special/fifo", ENXIO, NULL},
	{"special/socket", ENXIO, NULL},
	{"l/fifo", ENXIO, NULL},
	{"l/socket", ENXIO, NULL},
	{"l/slash", ENOTDIR, NULL},
	{"l/in-absolute-dir", 0, PLAIN},
	{"l/in-relative-dir", 0, PLAIN},
	{"l/in-outside-dir", EXDEV, NULL},
	{"l/above-relative-dir", 0, PLAIN},
};

static char base[PATH_MAX - 512]; /* where the tree is made */

/* The text of a link, with the real directories in it. */
static void write_text(const char *link, char *out, size_t size)
{
	if (strncmp(link, "ROOT", 4) == 0)
		snprintf(out, size, "%s/root%s", base, link + 4);
	else if (strncmp(link, "OUT", 3) == 0)
		snprintf(out, size, "%s/out%s", base, link + 3);
	else
		snprintf(out, size, "%s", link);
}

static void make_entry(const char *path, const char *link)
{
	if (link != NULL) {
		char text[PATH_MAX];
		write_text(link, text, sizeof text);
		if (symlink(text, path) < 0)
			stop(path);
		return;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || write(fd, "#!ipxe\n", 7) != 7)
		stop(path);
	close(fd);
}

static void make_tree(void)
{
	static const char *const directories[] = {"root", "root/os", "root/l",
		"root/dirs", "root/special", "out", "out/allowed", "rooted"};

	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		if (mkdir(directories[i], 0755) < 0)
			stop(directories[i]);
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
		make_entry(entries[i].path, entries[i].link);

	struct sockaddr_un address = {AF_UNIX, "root/special/socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (mkfifo("root/special/fifo", 0644) < 0 || fd < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		stop("special files");
	close(fd);
}

static void test_cases(const struct tree *tree, const char *how)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char what[128];
		struct target target;
		int err = target_open(tree, cases[i].entry, NULL, &target);

		snprintf(what, sizeof what, "%s, %s", cases[i].entry, how);
		bool passed = err == -cases[i].want;
		if (err == 0) {
			passed = passed && target.size == 7 &&
			         strcmp(target.type, cases[i].type) == 0;
			target_close(tree, &target);
		}
		if (!tap_ok(passed, what))
			printf("# %s\n", strerror(-err));
	}
}

static void test_tree(const char *root, const char *allow, const char *how)
{
	struct tree tree;

	if (!tap_ok(tree_open(root, allow, &tree) == 0, how))
		return;
	test_cases(&tree, how);

	struct target target;
	int err = target_open(&tree, "once/10.0.0.7", "../os/boot", &target);
	tap_ok(err == -ENOENT, "a link counts from a directory that exists");
	err = target_open(&tree, "l/10.0.0.7", "../os/boot", &target);
	tap_ok(err == 0, "a link that was read before");
	char name[PATH_MAX];
	tap_ok(err == 0 &&
			tree_relative_path(
				&tree, target.fd, name, sizeof name) == 0 &&
			strcmp(name, "os/boot") == 0,
		"its name beneath the root");
	tap_ok(err == 0 && tree_relative_path(&tree, target.fd, name, 7) ==
				   -ENAMETOOLONG,
		"a name that does not fit");
	if (err == 0)
		target_close(&tree, &target);

	char text[PATH_MAX];
	memset(text, 'a', sizeof text);
	text[PATH_MAX - 1] = '\0';
	tap_ok(target_open(&tree, "l/10.0.0.7", text, &target) == -ENAMETOOLONG,
		"a link that leads to too long a path");
	tree_close(&tree);
}

int main(void)
{
	char root[PATH_MAX], allow[2 * PATH_MAX];
	struct tree tree;

	scratch_enter(base, sizeof base);
	make_tree();

	snprintf(allow, sizeof allow, "/nonexistent:%s/default::%s/out/allowed",
		base, base);
	snprintf(root, sizeof root, "%s/root", base);
	test_tree(root, allow, "the root");
	snprintf(root, sizeof root, "%s/root//", base);
	test_tree(root, allow, "the root with slashes");
	snprintf(root, sizeof root, "%s/alias", base);
	test_tree(root, allow, "the root as a link");

	snprintf(root, sizeof root, "%s/nothing", base);
	tap_ok(tree_open(root, "", &tree) == -ENOENT, "no root");
	snprintf(root, sizeof root, "%s/root/default", base);
	tap_ok(tree_open(root, "", &tree) == -ENOTDIR, "a file as the root");

	char command[PATH_MAX];
	snprintf(command, sizeof command, "rm -rf -- '%s'", base);
	if (chdir("/") < 0 || system(command) != 0)
		stop(command);
	return tap_end();
}
