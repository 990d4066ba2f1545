/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "boot/tree.h"

/* One call of the program: what was asked for, and where. */
struct ctl {
	const char *root;  /* -r, else PXESRV_ROOT */
	const char *allow; /* PXESRV_ALLOW */
	const char *log;   /* PXESRV_LOG */
	unsigned grace;    /* PXESRV_ONCE_GRACE, seconds */
	struct tree tree;  /* open, for the commands that need it */

	/* Options; NULL or false: not given. */
	const char *user;    /* -u */
	const char *client;  /* --client */
	const char *cmdline; /* --cmdline */
	const char *leases;  /* --leases */
	const char *repo;    /* --repo */
	const char *since;   /* --since */
	bool each;           /* --each */
	bool follow;         /* -f */
	bool force;          /* --force */
	bool json;           /* --json */
	bool prometheus;     /* --prometheus */
	bool unsorted;       /* -U */
};

/*
 * A command. It says on standard error what is wrong, with the program's name.
 */
struct command {
	const char *name;
	const char *operands; /* for the usage */
	const char *options;  /* letters, see options.c */
	const char *help;     /* lines, without the options */
	int operands_min;
	int operands_max; /* -1: any number */
	bool needs_tree;
	/* Returns false when anything could not be done: exit status 1. */
	bool (*run)(struct ctl *ctl, int count, char *const operands[]);
};

extern const struct command command_once, command_static, command_cancel,
	command_rearm, command_forget, command_list, command_explain,
	command_check, command_log, command_stats, command_kickstart,
	command_preseed, command_chown;
