/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl, the operator's tool: reads settings and command line, opens the
 * tree, runs a command.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "boot/once.h"
#include "cgi/metavar.h"
#include "cgi/settings.h"
#include "ctl/ctl.h"
#include "ctl/options.h"

#define ROOT_DEFAULT "/srv/pxesrv"

static void apply_settings(struct ctl *ctl)
{
	struct settings settings = settings_default;
	struct metavars vars;
	struct bad_setting bad;

	metavars_read(environ, &vars);
	if (!settings_overlay(&vars, &settings, &bad))
		errx(EX_CONFIG, "%s=%s: not a valid value", bad.name,
			bad.value);
	ctl->root = settings.root == NULL ? ROOT_DEFAULT : settings.root;
	ctl->allow = settings.allow;
	ctl->log = settings.log;
	ctl->once = settings.once;
	ctl->identify = settings.identify;
}

static void open_tree_or_exit(struct ctl *ctl)
{
	static char absolute[PATH_MAX];

	/* -r may be relative, but absolute links are compared with the root. */
	if (ctl->root[0] != '/' && realpath(ctl->root, absolute) != NULL)
		ctl->root = absolute;
	const int error = -tree_open(ctl->root, ctl->allow, &ctl->tree);
	if (error != 0)
		errx(1, "the tree %s: %s", ctl->root, strerror(error));
}

/*
 * Keeps closed output descriptors from becoming those of the tree. Read-only,
 * because writing to them must still fail. Standard input may stay closed: then
 * reading clients from it fails, too.
 */
static void fill_output(void)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null < 0 || null == fd)
			continue;
		dup3(null, fd, O_CLOEXEC);
		close(null);
	}
}

static void print_once_report(const char *line, void *context)
{
	(void)context;
	warnx("%s", line);
}

int main(int argc, char *argv[])
{
	struct ctl ctl = {0};

	fill_output();
	umask(0); /* each call that creates something gives its mode */
	tzset();
	once_set_reporter(print_once_report, NULL);
	apply_settings(&ctl);
	/* getopt_long(3) prints argv[0] before messages, err(3) this. */
	argv[0] = program_invocation_short_name;
	const int at = options_before(argc, argv, &ctl);
	const struct command *command = command_find_or_exit(argv[at]);
	argv[at] = argv[0];
	const int first = at + options_of(command, argc - at, argv + at, &ctl);
	if (command->needs_tree)
		open_tree_or_exit(&ctl);
	else if (tree_open(ctl.root, ctl.allow, &ctl.tree) < 0)
		ctl.tree.root = -1; /* there are no names then */

	bool done = command->run(&ctl, argc - first, argv + first);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		warn("standard output");
		done = false;
	}
	tree_close(&ctl.tree);
	return done ? EX_OK : 1;
}
