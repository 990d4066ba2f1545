/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned long long tried, accepted;
static char place[256];

_Noreturn void fuzz_stop(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

unsigned fuzz_byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

char *fuzz_string(struct input *in, char end)
{
	const uint8_t *found =
		in->left == 0 ? NULL : memchr(in->at, end, in->left);
	size_t taken = found == NULL ? in->left : (size_t)(found - in->at);
	size_t length = taken == 0 ? 0 : strnlen((const char *)in->at, taken);

	char *out = malloc(length + 1);
	MUST(out != NULL);
	if (length > 0)
		memcpy(out, in->at, length);
	out[length] = '\0';
	taken += found != NULL;
	if (taken > 0)
		in->at += taken;
	in->left -= taken;
	return out;
}

static void say_tally(void)
{
	/* Of processor time, which others on the machine don't shorten. */
	const double seconds = (double)clock() / CLOCKS_PER_SEC;

	fprintf(stderr,
		"stat::accepted: %llu\nstat::tried: %llu\n"
		"stat::tried_per_cpu_sec: %.0f\n",
		accepted, tried, (double)tried / seconds);
}

void fuzz_tally(bool was_accepted)
{
	if (tried++ == 0)
		atexit(say_tally);
	accepted += was_accepted;
}

uint64_t fuzz_descriptors(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

/* Makes the directories that path lies in. */
static void make_parents(const char *path)
{
	char parent[PATH_MAX];

	for (const char *slash = path + strlen(place);
		(slash = strchr(slash + 1, '/')) != NULL;) {
		snprintf(parent, sizeof parent, "%.*s", (int)(slash - path),
			path);
		MUST(mkdir(parent, 0755) == 0 || errno == EEXIST);
	}
}

static void make_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "w");

	MUST(file != NULL);
	for (size_t i = 0; i < size; i++)
		fputc(i % 64 == 63 ? '\n' : 'x', file);
	MUST(fclose(file) == 0);
}

static void make_entry(const struct fuzz_entry *entry)
{
	char path[PATH_MAX], text[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", place, entry->path);
	make_parents(path);
	if (entry->text == NULL) {
		make_file(path, entry->size);
		return;
	}
	MUST(fuzz_expand(entry->text, text, sizeof text));
	MUST(symlink(text, path) == 0);
}

const char *fuzz_tree(const struct fuzz_entry *entries, size_t count)
{
	const char *tmp = getenv("TMPDIR");
	char template[PATH_MAX], *real;

	snprintf(template, sizeof template, "%s/fuzz.XXXXXX",
		tmp == NULL ? "/tmp" : tmp);
	MUST(mkdtemp(template) != NULL);
	real = realpath(template, NULL);
	MUST(real != NULL && strlen(real) < sizeof place);
	strcpy(place, real);
	free(real);
	for (size_t i = 0; i < count; i++)
		make_entry(&entries[i]);
	return place;
}

bool fuzz_expand(const char *text, char *out, size_t size)
{
	int n = text[0] == '@' ? snprintf(out, size, "%s%s", place, text + 1)
	                       : snprintf(out, size, "%s", text);
	return n >= 0 && (size_t)n < size;
}
