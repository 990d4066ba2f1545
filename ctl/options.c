/* SPDX-License-Identifier: MIT */
/* The commands and the options of pxesrvctl, and their help: a table of each.
 */
#include "ctl/options.h"

#include <err.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const struct command *const commands[] = {&command_once, &command_static,
	&command_cancel, &command_rearm, &command_forget, &command_list,
	&command_explain, &command_check, &command_log, &command_stats,
	&command_kickstart, &command_preseed, &command_chown, NULL};

/*
 * The options of all commands, in the order of the help. One without a value is
 * a bool of struct ctl, another one is a string there. Only r, u, f and U can
 * be given by their letter.
 */
static const struct {
	char letter;
	const char *name;
	const char *value; /* as the help calls it; NULL: none */
	size_t offset;     /* in struct ctl */
	const char *help;
} all_options[] = {
	{'f', "follow", NULL, offsetof(struct ctl, follow),
		"go on with what is written from now on"},
	{'u', "user", "USER", offsetof(struct ctl, user),
		"look as this user, whom the responder runs as (for "
		"root: that\n                  of one that is running, else "
		"the owner of once/)"},
	{'U', "unsorted", NULL, offsetof(struct ctl, unsorted),
		"as the directory has it, not sorted, in constant memory"},
	{'J', "json", NULL, offsetof(struct ctl, json),
		"one JSON object a line"},
	{'F', "force", NULL, offsetof(struct ctl, force),
		"more than 4096 addresses; a regular file in static/"},
	{'E', "each", NULL, offsetof(struct ctl, each),
		"all addresses of a machine that has several"},
	{'L', "leases", "FILE", offsetof(struct ctl, leases),
		"where to look for MAC addresses (dnsmasq, ISC dhcpd)"},
	{'C', "client", "CLIENT", offsetof(struct ctl, client),
		"of this client alone"},
	{'S', "since", "TIME", offsetof(struct ctl, since),
		"not older than 90s, 15m, 2h, 7d"},
	{'P', "prometheus", NULL, offsetof(struct ctl, prometheus),
		"for the textfile collector of the node exporter"},
	{'R', "repo", "URL", offsetof(struct ctl, repo),
		"the distribution's files"},
	{'K', "cmdline", "TEXT", offsetof(struct ctl, cmdline),
		"more for the kernel's command line"},
	{'r', "root", "ROOT", offsetof(struct ctl, root),
		"the tree (default: $PXESRV_ROOT, else /srv/pxesrv)"},
};
#define OPTION_COUNT (sizeof all_options / sizeof all_options[0])
#define SHORT_OPTIONS "r:u:fUh"

/* The table as getopt_long(3) wants it, with --help. */
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

static void print_overview(FILE *out)
{
	fputs("usage: pxesrvctl [-r ROOT] COMMAND ...\n"
	      "       pxesrvctl COMMAND -h\n\n"
	      "Arms machines that boot from PXESrv, and tells what they "
	      "get.\n\n",
		out);
	for (size_t i = 0; commands[i] != NULL; i++)
		fprintf(out, "  %-10s%.*s\n", commands[i]->name,
			(int)strcspn(commands[i]->help, "\n"),
			commands[i]->help);
	fputs("\nCLIENT is an IP or MAC address, a host name, a range "
	      "(10.0.0.10-10.0.0.20),\n"
	      "a prefix (10.0.0.0/28), or - for one a line from standard "
	      "input.\n"
	      "Settings from the environment: PXESRV_ROOT, PXESRV_ALLOW, "
	      "PXESRV_LOG,\n"
	      "PXESRV_ONCE_GRACE; give them as the responder has them.\n",
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

	if (strchr(SHORT_OPTIONS, letter) != NULL)
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

/* Where an option is in the table. getopt_long(3) returns no other letter. */
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
	if (all_options[i].value == NULL)
		*(bool *)field = true;
	else
		*(const char **)field = value;
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
			exit(EX_OK);
		case 'V':
			puts("pxesrvctl " PXESRV_VERSION);
			exit(EX_OK);
		case '?':
			exit(EX_USAGE);
		default:
			errx(EX_USAGE, "options stand behind the command");
		}
	}
	if (optind == argc) {
		print_overview(stderr);
		exit(EX_USAGE);
	}
	return optind;
}

int options_of(
	const struct command *command, int argc, char *argv[], struct ctl *out)
{
	int letter;

	optind = 0; /* from the beginning: getopt_long(3), NOTES */
	while ((letter = getopt_long(argc, argv, SHORT_OPTIONS, long_options(),
			NULL)) != -1) {
		if (letter == 'h') {
			print_usage(command, stdout);
			exit(EX_OK);
		}
		if (letter == '?')
			exit(EX_USAGE);
		if (!has_option(command, letter)) {
			warnx("%s has no option --%s", command->name,
				all_options[option_index(letter)].name);
			print_usage(command, stderr);
			exit(EX_USAGE);
		}
		set_option(out, letter, optarg);
	}
	const int count = argc - optind;
	if (count < command->operands_min ||
		(command->operands_max >= 0 && count > command->operands_max)) {
		print_usage(command, stderr);
		exit(EX_USAGE);
	}
	return optind;
}
