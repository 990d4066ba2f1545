/* SPDX-License-Identifier: MIT */
#include "armed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

#define GRUB_CONFIG "grub/2.06/grub.cfg-0A000007"

static const struct fuzz_entry entries[] = {
	{"root/default", NULL, 100},
	{"root/os/boot", NULL, 1000},
	{"root/os/image.img", NULL, 40000},
	{"root/os/large.img", NULL, ARMED_LARGE},
	{"root/os/empty", NULL, 0},
	{"root/once/10.0.0.7", "../os/boot", 0},
	{"root/once/10.0.0.8", "../os/missing", 0},
	{"root/once/10.0.0.9", "@/out/secret", 0},
	{"root/once/2001:db8::7", "@/root/os/large.img", 0},
	{"root/static/10.0.1.7", "../os/empty", 0},
	{"root/static/10.0.1.8", NULL, 17000},
	{"root/static/10.0.1.9", "../os", 0},
	{"root/static/10.0.1.10", "../no\nsuch \"file\\", 0},
	{"root/static/fe80::1", "../os/image.img", 0},
	{"root/" GRUB_CONFIG, NULL, 10},
	{"out/secret", NULL, 10},
};
static const char *const clients[] = {
	"10.0.0.7", "10.0.0.8", "10.0.0.9", "2001:db8::7"};
static int root;

void armed_make(void)
{
	char path[PATH_MAX];

	fuzz_tree(entries, sizeof entries / sizeof entries[0]);
	MUST(fuzz_expand("@/root", path, sizeof path));
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	MUST(root >= 0);
}

/* True when the link was served. */
static bool restore(const char *client)
{
	char armed[64], served[64];

	snprintf(armed, sizeof armed, "once/%s", client);
	snprintf(served, sizeof served, "once/.served/%s", client);
	if (renameat2(root, served, root, armed, RENAME_NOREPLACE) == 0)
		return true;
	MUST(errno == ENOENT);
	MUST(faccessat(root, armed, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return false;
}

size_t armed_restore(void)
{
	size_t served = 0;

	for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
		served += restore(clients[i]);
	MUST(unlinkat(root, "once/.claimed", AT_REMOVEDIR) == 0 ||
		errno == ENOENT);
	int fd =
		openat(root, GRUB_CONFIG, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && close(fd) == 0);
	return served;
}
