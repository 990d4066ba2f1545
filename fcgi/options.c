/* SPDX-License-Identifier: MIT */
/* Parses the responder's command line. */
#include "fcgi/options.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/number.h"
#include "boot/user.h"

static const char usage_text[] =
	"usage: pxesrv.fcgi [-s PATH [-m MODE] [-u USER] [-g GROUP]]\n"
	"       pxesrv.fcgi -t | -h | -V\n"
	"\n"
	"FastCGI responder that answers /redirect with the boot file of the\n"
	"machine that asks. It serves the listening socket that it was started\n"
	"with: file descriptor 0 (spawn-fcgi, lighttpd) or systemd's LISTEN_FDS.\n"
	"\n"
	"  -s PATH   create a Unix socket at PATH instead\n"
	"  -m MODE   the socket's permissions, octal (default 0660)\n"
	"  -u USER   the socket's owner\n"
	"  -g GROUP  the socket's group\n"
	"  -t        check the settings and the tree, report what is wrong, and exit\n"
	"  -h, -V    show this help; show the version\n"
	"\n"
	"Settings are environment variables: PXESRV_ROOT, PXESRV_LOG,\n"
	"PXESRV_ALLOW, PXESRV_SEND, PXESRV_ONCE_GRACE, PXESRV_ONCE_EXPIRES,\n"
	"PXESRV_IDENTIFY, PXESRV_THREADS.\n";

static _Noreturn void usage(void)
{
	fputs(usage_text, stderr);
	exit(EX_USAGE);
}

static uid_t parse_user(const char *name)
{
	uid_t user;

	if (!user_parse(name, &user))
		errx(EX_USAGE, "-u %s: no such user", name);
	return user;
}

static gid_t parse_group(const char *name)
{
	gid_t group;

	if (!group_parse(name, &group))
		errx(EX_USAGE, "-g %s: no such group", name);
	return group;
}

static mode_t parse_mode(const char *text)
{
	unsigned mode;

	if (!number_parse(text, 8, 0, 0777, &mode))
		errx(EX_USAGE, "-m %s: not an octal mode from 0 to 0777", text);
	return mode;
}

static _Noreturn void show(const char *text)
{
	fputs(text, stdout);
	if (fflush(stdout) != 0)
		err(EX_OSERR, "standard output");
	exit(EX_OK);
}

void options_parse(int argc, char *argv[], struct options *out)
{
	bool for_socket = false;
	int option;

	*out = (struct options){
		.socket_mode = 0660,
		.socket_user = (uid_t)-1,
		.socket_group = (gid_t)-1,
	};
	while ((option = getopt(argc, argv, "s:m:u:g:thV")) != -1) {
		for_socket = for_socket || option == 'm' || option == 'u' ||
		             option == 'g';
		switch (option) {
		case 's':
			out->socket_path = optarg;
			break;
		case 'm':
			out->socket_mode = parse_mode(optarg);
			break;
		case 'u':
			out->socket_user = parse_user(optarg);
			break;
		case 'g':
			out->socket_group = parse_group(optarg);
			break;
		case 't':
			out->check_only = true;
			break;
		case 'h':
			show(usage_text);
		case 'V':
			show("pxesrv.fcgi " PXESRV_VERSION "\n");
		default:
			usage();
		}
	}
	if (optind != argc || (for_socket && out->socket_path == NULL))
		usage();
}
