/* SPDX-License-Identifier: MIT */
#include "ctl/options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const struct command *const commands[] = {&command_once, &command_static,
	&command_cancel, &command_rearm, &command_forget, &command_list,
	&command_explain, &command_check, &command_log, &command_stats,
	&command_kickstart, &command_preseed, &command_chown, NULL};

/* Those with a small letter, and -U, can be given by it. */
static const struct option all[] = {
	{"root", required_argument, NULL, 'r'},
	{"user", required_argument, NULL, 'u'},
	{"follow", no_argument, NULL, 'f'},
	{"unsorted", no_argument, NULL, 'U'},
	{"help", no_argument, NULL, 'h'},
	{"json", no_argument, NULL, 'J'},
	{"force", no_argument, NULL, 'F'},
	{"each", no_argument, NULL, 'E'},
	{"leases", required_argument, NULL, 'L'},
	{"client", required_argument, NULL, 'C'},
	{"since", required_argument, NULL, 'S'},
	{"prometheus", no_argument, NULL, 'P'},
	{"repo", required_argument, NULL, 'R'},
	{"cmdline", required_argument, NULL, 'K'},
	{NULL, 0, NULL, 0},
};

/* What each does, in the order of the help. */
static const struct {
	char letter;
	const char *usage;
	const char *help;
} helps[] = {
	{'f', "-f", "go on with what is written from now on"},
	{'u', "-u USER",
		"look as this user, whom the responder runs as (for "
		"root: that\n                  of one that is running, else "
		"the owner of once/)"},
	{'U', "-U", "as the directory has it, not sorted, in constant memory"},
	{'J', "--json", "one JSON object a line"},
	{'F', "--force", "more than 4096 addresses; a regular file in static/"},
	{'E', "--each", "all addresses of a machine that has several"},
	{'L', "--leases FILE",
		"where to look for MAC addresses (dnsmasq, ISC "
		"dhcpd)"},
	{'C', "--client CLIENT", "of this client alone"},
	{'S', "--since TIME", "not older than 90s, 15m, 2h, 7d"},
	{'P', "--prometheus",
		"for the textfile collector of the node exporter"},
	{'R', "--repo URL", "the distribution's files"},
	{'K', "--cmdline TEXT", "more for the kernel's command line"},
	{'r', "-r ROOT", "the tree (default: $PXESRV_ROOT, else /srv/pxesrv)"},
};

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

static void print_usage(const struct command *command, FILE *out)
{
	fprintf(out, "usage: pxesrvctl %s%s%s%s\n\n%s\n", command->name,
		command->options[0] == '\0' ? "" : " [OPTION...]",
		command->operands[0] == '\0' ? "" : " ", command->operands,
		command->help);
	for (size_t i = 0; i < sizeof helps / sizeof helps[0]; i++) {
		if (has_option(command, helps[i].letter))
			fprintf(out, "  %-16s%s\n", helps[i].usage,
				helps[i].help);
	}
}

static const char *long_name(int letter)
{
	size_t i = 0;

	while (all[i].val != letter)
		i++;
	return all[i].name;
}

/* What an option without a value sets, or NULL. */
static bool *flag_of(struct ctl *ctl, int letter)
{
	switch (letter) {
	case 'f':
		return &ctl->follow;
	case 'U':
		return &ctl->unsorted;
	case 'J':
		return &ctl->json;
	case 'F':
		return &ctl->force;
	case 'E':
		return &ctl->each;
	case 'P':
		return &ctl->prometheus;
	default:
		return NULL;
	}
}

static const char **value_of(struct ctl *ctl, int letter)
{
	switch (letter) {
	case 'r':
		return &ctl->root;
	case 'u':
		return &ctl->user;
	case 'L':
		return &ctl->leases;
	case 'C':
		return &ctl->client;
	case 'S':
		return &ctl->since;
	case 'R':
		return &ctl->repo;
	default:
		return &ctl->cmdline;
	}
}

static void set(struct ctl *ctl, int letter, const char *value)
{
	bool *flag = flag_of(ctl, letter);

	if (flag != NULL)
		*flag = true;
	else
		*value_of(ctl, letter) = value;
}

int options_before(int argc, char *argv[], struct ctl *out)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "+r:hV", all, NULL)) != -1) {
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
	while ((letter = getopt_long(argc, argv, "r:u:fUh", all, NULL)) != -1) {
		if (letter == 'h') {
			print_usage(command, stdout);
			exit(EX_OK);
		}
		if (letter == '?')
			exit(EX_USAGE);
		if (!has_option(command, letter)) {
			warnx("%s has no option --%s", command->name,
				long_name(letter));
			print_usage(command, stderr);
			exit(EX_USAGE);
		}
		set(out, letter, optarg);
	}
	const int count = argc - optind;
	if (count < command->operands_min ||
		(command->operands_max >= 0 && count > command->operands_max)) {
		print_usage(command, stderr);
		exit(EX_USAGE);
	}
	return optind;
}
