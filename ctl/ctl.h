/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "boot/decision.h"
#include "boot/tree.h"
#include "cgi/identify.h"

/* One call of the program: what to do, and where. */
struct ctl {
	const char *root;         /* -r, else PXESRV_ROOT */
	const char *allow;        /* PXESRV_ALLOW */
	const char *log;          /* PXESRV_LOG */
	struct once_limits once;  /* PXESRV_ONCE_GRACE, PXESRV_ONCE_EXPIRES */
	struct identify identify; /* PXESRV_IDENTIFY */
	struct tree tree;         /* open for the commands that need it */

	/* Options; NULL or false: not given. */
	const char *user;    /* -u */
	const char *client;  /* --client */
	const char *cmdline; /* --cmdline */
	const char *file;    /* -f of the commands that take clients */
	const char *leases;  /* --leases */
	const char *repo;    /* --repo */
	const char *since;   /* --since */
	const char *timeout; /* --timeout */
	bool each;           /* --each */
	bool follow;         /* -f of log */
	bool delete;         /* -d */
	bool dry_run;        /* -n */
	bool force;          /* --force */
	bool missing_ok;     /* --missing-ok */
	bool json;           /* --json */
	bool prometheus;     /* --prometheus */
	bool unsorted;       /* -U */
};

/*
 * Runs a command, which prints its own errors to standard error. False:
 * something could not be done; the exit status is 1.
 */
typedef bool command_run(struct ctl *ctl, int count, char *const operands[]);

command_run cmd_cancel, cmd_check, cmd_chown, cmd_explain, cmd_forget,
	cmd_kickstart, cmd_list, cmd_log, cmd_name, cmd_once, cmd_preseed,
	cmd_rearm, cmd_static, cmd_stats, cmd_subnet, cmd_until, cmd_wait;
