/* SPDX-License-Identifier: MIT */
/*
 * The command line of pxesrvctl. Parsing, usage and help all come from two
 * tables: commands and options.
 */
#include "ctl/options.h"

#include <err.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TARGET_HELP \
	"TARGET is a path in the tree, such as debian/13/default, or an absolute one.\n"

/* In the order of the overview, which has each help's first line. */
static const struct command commands[] = {
	{
		.name = "once",
		.run = cmd_once,
		.needs_tree = true,
		.operands = "CLIENT... TARGET",
		.operands_min = 2,
		.operands_max = -1,
		.options = "IuJFELn",
		.help = "arm: the next boot gets TARGET, one time\n" TARGET_HELP
			"Exit status 1: something was not done, or a link is armed that will be\n"
			"answered with an error.\n",
	},
	{
		.name = "until",
		.run = cmd_until,
		.needs_tree = true,
		.operands = "CLIENT... TARGET",
		.operands_min = 2,
		.operands_max = -1,
		.options = "IuJFELn",
		.help = "each boot gets TARGET, until the machine asks for /done\n" TARGET_HELP,
	},
	{
		.name = "static",
		.run = cmd_static,
		.needs_tree = true,
		.operands = "CLIENT... TARGET",
		.operands_min = 2,
		.operands_max = -1,
		.options = "IuJFELn",
		.help = "each boot gets TARGET, from now on\n" TARGET_HELP,
	},
	{
		.name = "subnet",
		.run = cmd_subnet,
		.needs_tree = true,
		.operands = "NETWORK... [TARGET]",
		.operands_min = 1,
		.operands_max = -1,
		.options = "uJFdnM",
		.help = "each boot in a network gets TARGET, from now on\n"
			"NETWORK is a prefix such as 10.0.7.0/24. The longest one that fits counts.\n"
			"With -d, removes the entries of the networks.\n",
	},
	{
		.name = "name",
		.run = cmd_name,
		.needs_tree = true,
		.operands = "NAME [IDENTITY...]",
		.operands_min = 1,
		.operands_max = -1,
		.options = "uJFdnML",
		.help = "make several addresses one machine\n"
			"IDENTITY is an IP or MAC address or a UUID. Without one, those of the host\n"
			"NAME, by DNS and by reservations in DHCP. With -d, takes the name from these\n"
			"identities, or from all.\n",
	},
	{
		.name = "cancel",
		.run = cmd_cancel,
		.needs_tree = true,
		.operands = "CLIENT...",
		.operands_min = 1,
		.operands_max = -1,
		.options = "IuJFLnM",
		.help = "remove the once link, unserved (rearm brings it back)\n"
			"Also removes the link in until/.\n",
	},
	{
		.name = "rearm",
		.run = cmd_rearm,
		.needs_tree = true,
		.operands = "CLIENT...",
		.operands_min = 1,
		.operands_max = -1,
		.options = "IuJFELn",
		.help = "arm again what was last served, or cancelled\n"
			"If nothing was: the link in until/ that the machine was last done with.\n"
			"Exit status 1: as for once.\n",
	},
	{
		.name = "forget",
		.run = cmd_forget,
		.needs_tree = true,
		.operands = "CLIENT...",
		.operands_min = 1,
		.operands_max = -1,
		.options = "IJFLnM",
		.help = "remove the entry in static/\n",
	},
	{
		.name = "list",
		.run = cmd_list,
		.needs_tree = true,
		.operands = "[KIND|broken]...",
		.operands_max = -1,
		.options = "JUu",
		.help = "list entries, all or of these kinds, or what is broken\n"
			"KIND is armed, until, static, subnet, name, served, done or unsure (a crash\n"
			"interrupted the answer; most of these were delivered). Sorted by address. In a\n"
			"pipe: client, kind, bytes, time, target and problem, separated by tabs.\n",
	},
	{
		.name = "explain",
		.run = cmd_explain,
		.needs_tree = true,
		.operands = "CLIENT...",
		.operands_min = 1,
		.operands_max = -1,
		.options = "IuJFEL",
		.help = "show what a client would get now, and why; moves nothing\n"
			"Exit status 1: an error answer, or the responder sees a different tree.\n",
	},
	{
		.name = "wait",
		.run = cmd_wait,
		.needs_tree = true,
		.operands = "CLIENT...",
		.operands_min = 1,
		.operands_max = -1,
		.options = "ITuJFEL",
		.help = "wait until once links are served, and until links are done\n"
			"A client that is not armed counts if its last link was served, or is done.\n"
			"Exit status 1: a client is missing: the time is up, or its link was cancelled\n"
			"or has expired. In JSON, the last line has the missing ones.\n",
	},
	{
		.name = "check",
		.run = cmd_check,
		.needs_tree = true,
		.operands = "",
		.options = "uJ",
		.help = "find what is wrong with the tree, and say how to fix it\n"
			"Exit status 1: something is wrong.\n",
	},
	{
		.name = "log",
		.run = cmd_log,
		.operands = "[FILE...]",
		.operands_max = -1,
		.options = "fCSJ",
		.help = "show what clients got, and when\n"
			"FILE is a log, which may be rotated and compressed, or - for standard input\n"
			"(journalctl ... | pxesrvctl log -); by default PXESRV_LOG. A line has time,\n"
			"client, status and size of the answer, and the decision; \"-\" stands for a\n"
			"missing value.\n",
	},
	{
		.name = "stats",
		.run = cmd_stats,
		.operands = "[FILE...]",
		.operands_max = -1,
		.options = "SP",
		.help = "count requests by decision, status, target and client\n"
			"FILE is a log, which may be rotated and compressed, or - for standard input.\n"
			"By default, FILE is PXESRV_LOG, as far back as it goes.\n",
	},
	{
		.name = "kickstart",
		.run = cmd_kickstart,
		.operands = "[KICKSTART-URL]",
		.operands_max = 1,
		.options = "RK",
		.help = "print a boot script for CentOS Stream, AlmaLinux, Rocky\n"
			"The repository is BaseOS, which has images/pxeboot/.\n"
			"Both URLs may be a path in the tree, such as rocky/9; the script\n"
			"then finds this server as the scripts of the example tree do.\n",
	},
	{
		.name = "preseed",
		.run = cmd_preseed,
		.operands = "[PRESEED-URL]",
		.operands_max = 1,
		.options = "RK",
		.help = "print a boot script for Debian\n"
			"The repository is the directory of linux and initrd.gz. If /dists/ is in its\n"
			"URL, the script passes the mirror to the installer.\n"
			"Both URLs may be a path in the tree, such as rocky/9; the script\n"
			"then finds this server as the scripts of the example tree do.\n",
	},
	{
		.name = "chown",
		.run = cmd_chown,
		.needs_tree = true,
		.operands = "USER[:GROUP]",
		.operands_min = 1,
		.operands_max = 1,
		.options = "J",
		.help = "give once/, until/ and what is in grub/ to the responder's user\n"
			"USER is the user that the responder runs as. Creates once/ and until/ if they\n"
			"are missing. Also gives the responder's own directories and .lock to USER; links\n"
			"keep their owners. Members of GROUP can then make entries in once/, until/,\n"
			"static/, names/ and grub/.\n"
			"Only root can use it.\n",
	},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/*
 * All options, in the order of the help. An option with a value sets a string
 * of struct ctl, others a bool. Only r, u, d, f, n and U are short options,
 * too, and I, whose letter on the command line is f.
 */
static const struct {
	char letter;
	const char *name;
	const char *value; /* name in the help; NULL: no value */
	size_t offset;     /* in struct ctl */
	const char *help;
} all_options[] = {
	{'I', "file", "FILE", offsetof(struct ctl, file),
		"clients, one or more per line; - is standard input"},
	{'f', "follow", NULL, offsetof(struct ctl, follow),
		"follow the log as it grows"},
	{'u', "user", "USER", offsetof(struct ctl, user),
		"look at the tree as this user, the responder's (default for\n                  root: the running responder's, else the owner of once/)"},
	{'U', "unsorted", NULL, offsetof(struct ctl, unsorted),
		"do not sort: the order of the directory, in constant memory"},
	{'J', "json", NULL, offsetof(struct ctl, json),
		"print one JSON object per line"},
	{'d', "delete", NULL, offsetof(struct ctl, delete),
		"remove, instead of adding"},
	{'n', "dry-run", NULL, offsetof(struct ctl, dry_run),
		"show what would be changed, and change nothing"},
	{'M', "missing-ok", NULL, offsetof(struct ctl, missing_ok),
		"what is not there to be removed is no error"},
	{'F', "force", NULL, offsetof(struct ctl, force),
		"allow more than 4096 addresses, regular files in static/ and\n                  subnet/, or another name for an identity"},
	{'E', "each", NULL, offsetof(struct ctl, each),
		"act on all addresses of a machine that has several"},
	{'L', "leases", "FILE", offsetof(struct ctl, leases),
		"a file of a DHCP server, for MAC addresses and host names"},
	{'T', "timeout", "TIME", offsetof(struct ctl, timeout),
		"wait no longer than this: 90s, 15m, 2h, 7d"},
	{'C', "client", "CLIENT", offsetof(struct ctl, client),
		"only lines of this client"},
	{'S', "since", "TIME", offsetof(struct ctl, since),
		"only lines not older than this: 90s, 15m, 2h, 7d"},
	{'P', "prometheus", NULL, offsetof(struct ctl, prometheus),
		"for the textfile collector of the node exporter"},
	{'R', "repo", "URL", offsetof(struct ctl, repo),
		"the distribution's files"},
	{'K', "cmdline", "TEXT", offsetof(struct ctl, cmdline),
		"append this to the kernel's command line"},
	{'r', "root", "ROOT", offsetof(struct ctl, root),
		"the tree (default: $PXESRV_ROOT, else /srv/pxesrv)"},
};
#define OPTION_COUNT (sizeof all_options / sizeof all_options[0])
#define SHORT_OPTIONS "r:u:dfnUh"
#define SHORT_OPTIONS_WITH_FILE "r:u:df:nUh"

/* The table for getopt_long(3), with --help. */
static const struct option *long_options(void)
{
	static struct option options[OPTION_COUNT + 2];

	for (size_t i = 0; i < OPTION_COUNT; i++)
		options[i] = (struct option){
			.name = all_options[i].name,
			.has_arg = all_options[i].value == NULL
		                           ? no_argument
		                           : required_argument,
			.val = all_options[i].letter,
		};
	options[OPTION_COUNT] = (struct option){.name = "help", .val = 'h'};
	return options;
}

const struct command *command_find_or_exit(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	errx(EX_USAGE, "%s: no such command (-h shows them)", name);
}

static void print_overview(FILE *out)
{
	fputs("usage: pxesrvctl [-r ROOT] COMMAND ...      (its help: pxesrvctl COMMAND -h)\n\n",
		out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s%.*s\n", commands[i].name,
			(int)strcspn(commands[i].help, "\n"), commands[i].help);
	fputs("\nCLIENT is a name, an IP or MAC address, a UUID, a host name, 10.0.0.10-10.0.0.20,\n"
	      "10.0.0.0/28, or - for standard input; -f FILE has one per line.\n"
	      "Environment: as the responder's (pxesrv.fcgi(8)), but for PXESRV_SEND and\n"
	      "PXESRV_THREADS.\n",
		out);
}

static bool has_option(const struct command *command, int letter)
{
	return letter == 'h' || letter == 'r' ||
	       strchr(command->options, letter) != NULL;
}

static void print_option(size_t i, FILE *out)
{
	const char letter = all_options[i].letter;
	const char *value = all_options[i].value;
	char usage[32];

	if (letter == 'I')
		snprintf(usage, sizeof usage, "-f");
	else if (strchr(SHORT_OPTIONS, letter) != NULL)
		snprintf(usage, sizeof usage, "-%c", letter);
	else
		snprintf(usage, sizeof usage, "--%s", all_options[i].name);
	if (value != NULL)
		snprintf(usage + strlen(usage), sizeof usage - strlen(usage),
			" %s", value);
	fprintf(out, "  %-16s%s\n", usage, all_options[i].help);
}

static void print_usage(const struct command *command, FILE *out)
{
	fprintf(out, "usage: pxesrvctl %s%s%s%s\n\n%s\n", command->name,
		command->options[0] == '\0' ? "" : " [OPTION...]",
		command->operands[0] == '\0' ? "" : " ", command->operands,
		command->help);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (has_option(command, all_options[i].letter))
			print_option(i, out);
	}
}

/* letter is one that getopt_long(3) returned. */
static size_t option_index(int letter)
{
	size_t i = 0;

	while (all_options[i].letter != letter)
		i++;
	return i;
}

static void set_option(struct ctl *ctl, int letter, const char *value)
{
	const size_t i = option_index(letter);
	void *field = (char *)ctl + all_options[i].offset;

	if (letter == 'I' && ctl->file != NULL)
		errx(EX_USAGE, "-f names one file only");
	if (all_options[i].value == NULL)
		*(bool *)field = true;
	else
		*(const char **)field = value;
}

static _Noreturn void exit_shown(void)
{
	if (fflush(stdout) != 0)
		err(1, "standard output");
	exit(EX_OK);
}

int options_before(int argc, char *argv[], struct ctl *out)
{
	int letter;

	while ((letter = getopt_long(
			argc, argv, "+r:hV", long_options(), NULL)) != -1) {
		switch (letter) {
		case 'r':
			out->root = optarg;
			break;
		case 'h':
			print_overview(stdout);
			exit_shown();
		case 'V':
			puts("pxesrvctl " PXESRV_VERSION);
			exit_shown();
		case '?':
			print_overview(stderr);
			exit(EX_USAGE);
		default:
			errx(EX_USAGE, "options go after the command");
		}
	}
	if (optind == argc) {
		print_overview(stderr);
		exit(EX_USAGE);
	}
	return optind;
}

/* Returns the next option's letter, or -1. -f is --follow where no file is. */
static int next_option(const struct command *command, int argc, char *argv[])
{
	const bool has_file = has_option(command, 'I');
	const int letter = getopt_long(argc, argv,
		has_file ? SHORT_OPTIONS_WITH_FILE : SHORT_OPTIONS,
		long_options(), NULL);

	/* --follow has no value, and is not -f. */
	return has_file && letter == 'f' && optarg != NULL ? 'I' : letter;
}

int options_of(
	const struct command *command, int argc, char *argv[], struct ctl *out)
{
	int letter;

	optind = 0; /* start again: getopt_long(3), NOTES */
	while ((letter = next_option(command, argc, argv)) != -1) {
		if (letter == 'h') {
			print_usage(command, stdout);
			exit_shown();
		}
		if (!has_option(command, letter)) {
			if (letter != '?') /* else getopt_long(3) has said it */
				warnx("%s has no option --%s", command->name,
					all_options[option_index(letter)].name);
			print_usage(command, stderr);
			exit(EX_USAGE);
		}
		set_option(out, letter, optarg);
	}
	const int count = argc - optind;
	/* A file of clients stands for one of them. */
	if (count < command->operands_min - (out->file != NULL) ||
		(command->operands_max >= 0 && count > command->operands_max)) {
		print_usage(command, stderr);
		exit(EX_USAGE);
	}
	return optind;
}
