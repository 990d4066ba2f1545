/* SPDX-License-Identifier: MIT */
/*
 * The decision alone, in trees of different sizes: from opening the root to
 * closing the boot file, without any web server, log or answer.
 *
 *     decision DIRECTORY ROUNDS DECISIONS SIZE...
 *
 * Makes two trees for each SIZE below DIRECTORY: one with so many links in
 * once/ and as many in static/; one with so many machines that have a name, and
 * a link in static/ by that, and as many subnets. Looks each client up once, to
 * have all warm; and then prints, for each round, a line for each size: the
 * size, and microseconds per decision of clients with a link in once/, with one
 * in static/, with neither, with a name, in a subnet.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/decision.h"
#include "boot/tree.h"

enum kind { ONCE, STATIC, DEFAULT, NAMED, SUBNET, KINDS };

/* Each client in a subnet has one of its own. */
static void name_client(enum kind kind, unsigned number, char name[static 32])
{
	if (kind == SUBNET)
		snprintf(name, 32, "%u.%u.%u.7", 32 + (number >> 16 & 127),
			number >> 8 & 255, number & 255);
	else
		snprintf(name, 32, "%d.%u.%u.%u", 10 + (int)kind,
			number >> 16 & 255, number >> 8 & 255, number & 255);
}

/* Those with a name or a subnet have a tree of their own. */
static void name_tree(const char *directory, enum kind kind, unsigned size,
	char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%u%s", directory, size,
		kind >= NAMED ? "-named" : "");
}

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void make_file(int root, const char *path)
{
	static const char bytes[1500];
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, sizeof bytes) != sizeof bytes ||
		close(fd) < 0)
		err(71, "%s", path);
}

/* The entry of a client, or of its name, and its text. */
static void name_link(const char *directory, enum kind kind, unsigned number,
	char name[static 32], char text[static 32])
{
	strcpy(text, "../os/boot");
	name_client(kind, number, name);
	if (kind == SUBNET)
		strcpy(strrchr(name, '.'), ".0_24");
	if (strcmp(directory, "names") == 0)
		snprintf(text, 32, "node%u", number);
	else if (kind == NAMED)
		snprintf(name, 32, "node%u", number);
}

static void make_links(
	int root, const char *name, enum kind kind, unsigned size)
{
	char link[32], text[32];
	int directory;

	if (mkdirat(root, name, 0755) < 0 ||
		(directory = openat(root, name, O_DIRECTORY | O_CLOEXEC)) < 0)
		err(71, "%s", name);
	for (unsigned i = 0; i < size; i++) {
		name_link(name, kind, i, link, text);
		if (symlinkat(text, directory, link) < 0)
			err(71, "%s/%s", name, link);
	}
	close(directory);
}

/* With the directories that clients of this kind need. */
static void make_tree(const char *path, enum kind kind, unsigned size)
{
	if (mkdir(path, 0755) < 0)
		err(71, "%s", path);
	int root = open(path, O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || mkdirat(root, "os", 0755) < 0)
		err(71, "%s", path);
	make_file(root, "default");
	make_file(root, "os/boot");
	if (kind >= NAMED) {
		make_links(root, "names", NAMED, size);
		make_links(root, "static", NAMED, size);
		make_links(root, "subnet", SUBNET, size);
	} else {
		make_links(root, "once", ONCE, size);
		make_links(root, "static", STATIC, size);
	}
	close(root);
}

static void decide(const char *path, enum kind kind, unsigned number)
{
	static const enum source sources[] = {SOURCE_ONCE, SOURCE_STATIC,
		SOURCE_DEFAULT, SOURCE_STATIC, SOURCE_SUBNET};
	struct tree tree;
	struct decision decision;
	static const struct once_limits limits = {0};
	struct identities who = {.address = ""};
	char client[32];

	name_client(kind, number, client);
	strcpy(who.address, client);
	if (tree_open(path, "", &tree) < 0)
		err(71, "%s", path);
	decision_make(&tree, &who, &limits, &decision);
	if (decision.error != 0 || decision.source != sources[kind])
		errx(70, "%s: %s, error %d", client, decision.entry,
			decision.error);
	decision_close(&tree, &decision);
	tree_close(&tree);
}

/* Any number below size; the same ones in each run. */
static unsigned next_number(uint64_t *state, unsigned size)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((*state >> 33) % size);
}

static double measure(
	const char *path, enum kind kind, unsigned size, unsigned decisions)
{
	static uint64_t state;
	const double start = now_us();

	for (unsigned i = 0; i < decisions; i++)
		decide(path, kind, next_number(&state, size));
	return (now_us() - start) / decisions;
}

static unsigned number(const char *text)
{
	char *end;
	errno = 0;
	const unsigned long n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || n == 0 || n > 1u << 24)
		errx(64, "%s: no number from 1 on", text);
	return (unsigned)n;
}

int main(int argc, char *argv[])
{
	char path[PATH_MAX];

	if (argc < 5)
		errx(64, "usage: decision DIRECTORY ROUNDS DECISIONS SIZE...");
	for (int i = 4; i < argc; i++) {
		const unsigned size = number(argv[i]);
		for (enum kind kind = 0; kind < KINDS; kind++) {
			name_tree(argv[1], kind, size, path);
			if (kind == ONCE || kind == NAMED)
				make_tree(path, kind, size);
			for (unsigned n = 0; n < size; n++)
				decide(path, kind, n);
		}
	}
	for (unsigned rounds = number(argv[2]); rounds > 0; rounds--) {
		for (int i = 4; i < argc; i++) {
			const unsigned size = number(argv[i]);
			printf("%u", size);
			for (enum kind kind = 0; kind < KINDS; kind++) {
				name_tree(argv[1], kind, size, path);
				printf(" %.3f", measure(path, kind, size,
							number(argv[3])));
			}
			printf("\n");
			fflush(stdout);
		}
	}
	return 0;
}
