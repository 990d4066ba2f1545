/* SPDX-License-Identifier: MIT */
/*
 * What the sandbox says, and what it lets be done. Each case is a thread: it
 * alone is held to the files, so that what comes after it is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgi/settings.h"
#include "fcgi/sandbox/landlock.h"
#include "fcgi/sandbox/sandbox.h"
#include "sandbox_cases.h"
#include "scratch.h"
#include "tap.h"

static char base[PATH_MAX - 512];

/* Writes a text with what its words in capitals mean. */
static char *expand(const char *text, char *out, size_t size)
{
	const int version = landlock_version();
	FILE *file = fmemopen(out, size, "w");

	if (file == NULL)
		stop("fmemopen");
	*out = '\0';
	while (*text != '\0') {
		if (strncmp(text, "BASE", 4) == 0) {
			fputs(base, file);
			text += 4;
		} else if (strncmp(text, "VERSION", 7) == 0) {
			fprintf(file, "%d", version);
			text += 7;
		} else if (strncmp(text, FILES, 5) == 0) {
			fprintf(file, "files and network (Landlock %d)",
				version);
			text += 5;
		} else {
			fputc(*text++, file);
		}
	}
	fclose(file);
	return out;
}

static void make_tree(void)
{
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (mkdir(directories[i], 0755) < 0)
			stop(directories[i]);
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		char text[PATH_MAX];
		const char *path = entries[i].path;

		if (entries[i].link == NULL) {
			int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
			if (fd < 0)
				stop(path);
			close(fd);
		} else if (symlink(expand(entries[i].link, text, sizeof text),
				   path) < 0) {
			stop(path);
		}
	}
}

static void remove_tree(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof command, "rm -rf -- '%s'/*", base);
	if (system(command) != 0)
		stop(command);
}

/* Whether there is a network is another question. */
static bool may_connect(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		stop("socket");
	bool may = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ||
	           errno != EACCES;
	close(fd);
	return may;
}

/* Reads, writes to, makes (a log), moves, unlinks or truncates; connects. */
static bool attempt(const char *what)
{
	static const int flags[] = {['r'] = O_RDONLY,
		['w'] = O_WRONLY,
		['l'] = O_WRONLY | O_CREAT | O_EXCL};
	char moved[PATH_MAX];
	const char *path = what + 2;

	switch (*what) {
	case 'c':
		return may_connect();
	case 'm':
		snprintf(moved, sizeof moved, "%s.moved", path);
		return rename(path, moved) == 0 && rename(moved, path) == 0;
	case 'u':
		return unlink(path) == 0;
	case 't':
		return truncate(path, 0) == 0;
	default:;
		int fd = open(path, flags[(unsigned char)*what], 0640);
		if (fd >= 0)
			close(fd);
		return fd >= 0;
	}
}

/* Lets a call fail in the calling thread. */
static void inject(const struct fault *fault)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	const struct scmp_arg_cmp creates = SCMP_A2_64(SCMP_CMP_EQ, 0, 0);

	if (filter == NULL)
		stop("seccomp_init");
	for (size_t i = 0; i < 2 && fault->call[i] != 0; i++)
		if (seccomp_rule_add_array(filter,
			    SCMP_ACT_ERRNO((unsigned)fault->error),
			    fault->call[i], fault->creates, &creates) < 0)
			stop("seccomp_rule_add");
	if (seccomp_load(filter) < 0)
		stop("seccomp_load");
	seccomp_release(filter);
}

static void *run_test(void *data)
{
	const struct test *test = data;
	char root[PATH_MAX], log[PATH_MAX], allow[PATH_MAX], path[PATH_MAX];
	char want[2048], what[256];
	struct settings settings = {.root = NULL};
	struct sandbox sandbox;

	if (test->root != NULL)
		settings.root = expand(test->root, root, sizeof root);
	settings.log = expand(test->log, log, sizeof log);
	settings.allow = expand(test->allow, allow, sizeof allow);
	expand(test->report, want, sizeof want);
	if (test->fault != NULL)
		inject(test->fault);
	sandbox_confine_files(&settings,
		test->socket ? expand(test->socket, path, sizeof path) : NULL,
		&sandbox);

	if (!tap_ok(strcmp(sandbox.report.text, want) == 0, test->what))
		printf("# %s\n# %s\n", sandbox.report.text, want);
	snprintf(what, sizeof what, "%s: what holds", test->what);
	tap_ok(sandbox.confines_files ==
				(strncmp(test->report, FILES, 5) == 0) &&
			sandbox.is_incomplete == test->is_incomplete &&
			prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
		what);
	for (size_t i = 0; test->may[i] != NULL; i++) {
		snprintf(what, sizeof what, "%s: may %s", test->what,
			test->may[i]);
		if (!tap_ok(attempt(test->may[i]), what))
			printf("# %s\n", strerror(errno));
	}
	for (size_t i = 0; test->may_not[i] != NULL; i++) {
		snprintf(what, sizeof what, "%s: may not %s", test->what,
			test->may_not[i]);
		tap_ok(!attempt(test->may_not[i]), what);
	}
	return NULL;
}

static void run(void *(*function)(void *), const void *data)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, (void *)data) != 0 ||
		pthread_join(thread, NULL) != 0)
		stop("thread");
}

static void *run_load(void *unused)
{
	static const struct fault no_seccomp = {
		{SCMP_SYS(seccomp), SCMP_SYS(prctl)}, EINVAL, false};
	struct sandbox sandbox = {.report = {.text = "files"}};

	(void)unused;
	inject(&no_seccomp);
	sandbox_confine_calls(&sandbox);
	static const char want[] =
		"files; system calls are not confined: seccomp: ";
	if (!tap_ok(strncmp(sandbox.report.text, want, strlen(want)) == 0 &&
			    sandbox.is_incomplete,
		    "seccomp is refused"))
		printf("# %s\n", sandbox.report.text);
	tap_ok(may_connect(), "seccomp is refused: calls are let through");
	return NULL;
}

/* Is there before, and held to the same calls. */
static void *run_other(void *pipe)
{
	char byte;
	const bool told = read(*(const int *)pipe, &byte, 1) == 1;

	tap_ok(told && socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == ENOSYS,
		"no socket may be made by another thread");
	return NULL;
}

/* The last one, since it holds for all that comes. */
static void test_calls(void)
{
	struct sandbox sandbox = {.report = {.text = "files"}};
	const int page = getpagesize();
	pthread_t other;
	int ends[2];

	if (pipe(ends) < 0 ||
		pthread_create(&other, NULL, run_other, ends) != 0)
		stop("thread");
	sandbox_confine_calls(&sandbox);
	if (!tap_ok(strcmp(sandbox.report.text,
			    "files; system calls (seccomp)") == 0 &&
			    !sandbox.is_incomplete,
		    "seccomp"))
		printf("# %s\n", sandbox.report.text);
	if (write(ends[1], "", 1) != 1 || pthread_join(other, NULL) != 0)
		stop("thread");
	tap_ok(fcntl(STDOUT_FILENO, F_GETFL) >= 0, "flags may be read");
	tap_ok(fcntl(STDOUT_FILENO, F_SETOWN, getpid()) < 0 && errno == ENOSYS,
		"nobody may be sent signals");
	tap_ok(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == ENOSYS,
		"no socket may be made");
	tap_ok(fork() < 0 && errno == ENOSYS, "no process may be made");
	void *memory = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!tap_ok(memory != MAP_FAILED, "memory may be had"))
		return;
	tap_ok(mprotect(memory, (size_t)page, PROT_READ | PROT_EXEC) < 0 &&
			errno == ENOSYS,
		"memory may not become a program");
	munmap(memory, (size_t)page);
}

static void test_story(void)
{
	struct sandbox_report report = {.text = ""};

	sandbox_report_add(&report, "a %d\n", 1);
	sandbox_report_add(&report, "b");
	tap_ok(strcmp(report.text, "a 1\\x0A; b") == 0, "a report is one line");
	for (size_t i = 0; i < sizeof report.text; i++)
		sandbox_report_add(&report, "more");
	tap_ok(strlen(report.text) < sizeof report.text, "a report is cut off");
}

int main(void)
{
	if (landlock_version() < LANDLOCK_NETWORK) {
		printf("1..0 # SKIP no Landlock for files and network here\n");
		return 0;
	}
	scratch_enter(base, sizeof base);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		make_tree();
		run(run_test, &tests[i]);
		remove_tree();
	}
	if (chdir("/") < 0 || rmdir(base) < 0)
		stop(base);
	test_story();
	run(run_load, NULL);
	test_calls();
	return tap_end();
}
