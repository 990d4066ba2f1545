/* SPDX-License-Identifier: MIT */
/* Who has the descriptor of "default": the cache, a request, or neither. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/target.h"
#include "boot/tree.h"
#include "boot/tree_cache.h"
#include "scratch.h"
#include "tap.h"

/* A file that has just changed is not kept: wait for up to 2 s. */
#define TRIES 200

static struct tree_cache cache;
static char root[PATH_MAX];

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
		stop(name);
}

/* One request for "default"; it keeps the descriptor. */
static void request_default(struct tree *tree, struct target *target)
{
	if (tree_open_cached(&cache, root, "", tree) < 0 ||
		target_open_default(tree, target) < 0)
		stop("default");
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Asks until the cache keeps the file. False: it can't on this file system. */
static bool fill_cache(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct target target;
	struct tree tree;

	for (int i = 0; i < TRIES; i++) {
		request_default(&tree, &target);
		target_close(&tree, &target);
		if (cache.default_file >= 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void test_lending(void)
{
	const int kept = cache.default_file;
	struct target target;
	struct tree tree;

	request_default(&tree, &target);
	tap_ok(target.fd == kept, "a request gets the descriptor that is kept");
	tap_ok(target.size == 7, "and its size");
	tap_ok(cache.default_file < 0, "which the cache has no more");
	target_close(&tree, &target);
	tap_ok(cache.default_file == kept && is_open(kept), "it is given back");
}

/* A large file is sent on after its request, by whoever then closes it. */
static void test_descriptor_that_stays_away(void)
{
	struct target target, other;
	struct tree tree;

	request_default(&tree, &target);
	const int sent = target.fd;
	close(sent);

	tree_open_cached(&cache, root, "", &tree);
	if (target_open(&tree, "other", NULL, &other) < 0)
		stop("other");
	tap_ok(other.fd == sent, "another file gets the same number");
	target_close(&tree, &other);
	tap_ok(cache.default_file < 0 && !is_open(sent),
		"it is not taken for what was lent");
}

static void test_change(void)
{
	struct target target;
	struct tree tree;

	write_file("default", "longer than before");
	request_default(&tree, &target);
	tap_ok(target.size == 18, "a file that was changed is opened anew");
	target_close(&tree, &target);
	tap_ok(cache.default_file < 0, "and not kept yet");
}

static bool lacks_names(void)
{
	struct tree tree;

	if (tree_open_cached(&cache, root, "", &tree) < 0)
		stop(root);
	const bool lacks = tree_lacks(&tree, TREE_NAMES);
	tree_close(&tree);
	return lacks;
}

/* In one tick of the clock, where the kernel counts ctime by ticks. */
static void test_absence_at_once(void)
{
	bool seen = true;

	for (int i = 0; i < 50; i++) {
		if (mkdir("other directory", 0755) < 0)
			stop("other directory");
		lacks_names();
		if (mkdir("names", 0755) < 0)
			stop("names");
		seen = seen && !lacks_names();
		if (rmdir("names") < 0 || rmdir("other directory") < 0)
			stop("names");
	}
	tap_ok(seen, "a directory that is new is seen at once");
}

static void test_absence(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct tree tree;
	bool known = false;

	for (int i = 0; i < TRIES && !known; i++) {
		known = lacks_names();
		nanosleep(&pause, NULL);
	}
	tap_ok(known || cache.is_shared, "what is missing for a while is kept");
	if (tree_open(root, "", &tree) < 0)
		stop(root);
	tap_ok(!tree_lacks(&tree, TREE_NAMES), "but not without a cache");
	tree_close(&tree);
	if (symlink("nowhere", "names") < 0)
		stop("names");
	tap_ok(!lacks_names(), "a link that leads nowhere is there");
	unlink("names");
}

int main(void)
{
	scratch_enter(root, sizeof root);
	write_file("default", "#!ipxe\n");
	write_file("other", "another file");

	tree_cache_init(&cache);
	if (fill_cache()) {
		test_lending();
		test_descriptor_that_stays_away();
	} else {
		printf("ok # SKIP nothing is kept on this file system\n");
		tap_count++;
	}
	test_change();
	test_absence_at_once();
	test_absence();
	tree_cache_release(&cache);

	if (unlink("default") < 0 || unlink("other") < 0 || chdir("/") < 0 ||
		rmdir(root) < 0)
		stop(root);
	return tap_end();
}
