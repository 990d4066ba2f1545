/* SPDX-License-Identifier: MIT */
/* The command line of pxesrvctl. Options end the program: each is a child. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/options.h"
#include "scratch.h"
#include "tap.h"

#define WORDS_MAX 16

static const struct {
	const char *line;
	int status;
	const char *want; /* command, options, operands; NULL: it ends */
} lines[] = {
	{"once 10.0.0.7 os/boot", 0, "once: 10.0.0.7 os/boot"},
	{"-r /t once 10.0.0.7 os/boot", 0, "once root=/t: 10.0.0.7 os/boot"},
	{"-r /t once -r /u 10.0.0.7 os/boot", 0,
		"once root=/u: 10.0.0.7 os/boot"},
	{"once --force 10.0.0.7 os/boot -u www", 0,
		"once user=www force: 10.0.0.7 os/boot"},
	{"static --each --leases=l 10.0.0.7 -- -x", 0,
		"static leases=l each: 10.0.0.7 -x"},
	{"list -Uu www --json armed", 0, "list user=www json unsorted: armed"},
	{"log -f --since 2h --client node7 l", 0,
		"log client=node7 since=2h follow: l"},
	{"stats --prom", 0, "stats prometheus:"},
	{"stats --prometheus l", 0, "stats prometheus: l"},
	{"preseed --repo r --cmdline c", 0, "preseed cmdline=c repo=r:"},
	{"rearm -", 0, "rearm: -"},
	{"once -f l os/boot", 0, "once file=l: os/boot"},
	{"once 10.0.0.7 --file l os/boot", 0, "once file=l: 10.0.0.7 os/boot"},
	{"cancel -n --json --missing-ok 10.0.0.7", 0,
		"cancel dry-run missing-ok json: 10.0.0.7"},
	{"wait -fl --timeout 30m", 0, "wait file=l timeout=30m:"},
	{"cancel -f -", 0, "cancel file=-:"},
	{"chown www:admin", 0, "chown: www:admin"},
	{"-h", EX_OK, NULL},
	{"-V", EX_OK, NULL},
	{"once -h", EX_OK, NULL},
	{"chown --help", EX_OK, NULL},
	{"", EX_USAGE, NULL},
	{"-r", EX_USAGE, NULL},
	{"-x", EX_USAGE, NULL},
	{"-f log", EX_USAGE, NULL},
	{"--json list", EX_USAGE, NULL},
	{"nothing", EX_USAGE, NULL},
	{"onc 10.0.0.7 os/boot", EX_USAGE, NULL},
	{"once 10.0.0.7", EX_USAGE, NULL},
	{"cancel", EX_USAGE, NULL},
	{"check x", EX_USAGE, NULL},
	{"preseed a b", EX_USAGE, NULL},
	{"list --force", EX_USAGE, NULL},
	{"once --missing-ok 10.0.0.7 os/boot", EX_USAGE, NULL},
	{"chown -n www", EX_USAGE, NULL},
	{"once --repo r 10.0.0.7 os/boot", EX_USAGE, NULL},
	{"once 10.0.0.7 os/boot -u", EX_USAGE, NULL},
	{"log -F", EX_USAGE, NULL},
	{"log --file l", EX_USAGE, NULL},
	{"wait --follow 10.0.0.7", EX_USAGE, NULL},
	{"wait", EX_USAGE, NULL},
	{"wait -f", EX_USAGE, NULL},
	{"wait -f a -f b", EX_USAGE, NULL},
	{"once -f l", EX_USAGE, NULL},
	{"list -f", EX_USAGE, NULL},
};

static void print_value(FILE *out, const char *name, const char *value)
{
	if (value != NULL)
		fprintf(out, " %s=%s", name, value);
}

static void print_flag(FILE *out, const char *name, bool flag)
{
	if (flag)
		fprintf(out, " %s", name);
}

/* As main() does it; the result goes to out. */
static void parse_words(int count, char *words[], FILE *out)
{
	struct ctl ctl = {0};

	const int at = options_before(count, words, &ctl);
	const struct command *command = command_find_or_exit(words[at]);
	const int first =
		at + options_of(command, count - at, words + at, &ctl);
	fputs(command->name, out);
	print_value(out, "root", ctl.root);
	print_value(out, "user", ctl.user);
	print_value(out, "client", ctl.client);
	print_value(out, "cmdline", ctl.cmdline);
	print_value(out, "file", ctl.file);
	print_value(out, "leases", ctl.leases);
	print_value(out, "repo", ctl.repo);
	print_value(out, "since", ctl.since);
	print_value(out, "timeout", ctl.timeout);
	print_flag(out, "dry-run", ctl.dry_run);
	print_flag(out, "each", ctl.each);
	print_flag(out, "follow", ctl.follow);
	print_flag(out, "force", ctl.force);
	print_flag(out, "missing-ok", ctl.missing_ok);
	print_flag(out, "json", ctl.json);
	print_flag(out, "prometheus", ctl.prometheus);
	print_flag(out, "unsorted", ctl.unsorted);
	putc(':', out);
	for (int i = first; i < count; i++)
		fprintf(out, " %s", words[i]);
	fclose(out);
}

static _Noreturn void run_child(const char *line, int out)
{
	char text[256], name[] = "pxesrvctl", *words[WORDS_MAX] = {name};
	char *rest = NULL;
	int count = 1;
	const int nowhere = open("/dev/null", O_WRONLY);

	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	snprintf(text, sizeof text, "%s", line);
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
		word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	parse_words(count, words, fdopen(out, "w"));
	exit(0);
}

static void test_line(const char *line, int want_status, const char *want)
{
	char found[256];
	int fds[2], status;

	fflush(stdout);
	if (pipe(fds) < 0)
		stop("pipe");
	const pid_t child = fork();
	if (child < 0)
		stop("fork");
	if (child == 0)
		run_child(line, fds[1]);
	close(fds[1]);
	const ssize_t size = read(fds[0], found, sizeof found - 1);
	close(fds[0]);
	if (size < 0 || waitpid(child, &status, 0) < 0)
		stop("child");
	found[size] = '\0';
	if (!tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == want_status &&
			    strcmp(found, want == NULL ? "" : want) == 0,
		    line))
		printf("# status %#x, found: %s\n", status, found);
}

int main(void)
{
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		test_line(lines[i].line, lines[i].status, lines[i].want);
	return tap_end();
}
