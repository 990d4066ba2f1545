/* SPDX-License-Identifier: MIT */
#pragma once

#include "ctl/ctl.h"

struct command {
	const char *name;
	command_run *run;
	bool needs_tree;
	const char *operands; /* for the usage */
	int operands_min;
	int operands_max;    /* -1: any number */
	const char *options; /* letters of the options, but -h and -r */
	const char *help;    /* lines, without the options */
};

/* The command of that name. Ends the program when there is none. */
const struct command *command_find_or_exit(const char *name);

/*
 * Reads the options before the command, from argv[1] on. Returns the index of
 * the command. Ends the program when there is none, and for -h and -V.
 */
int options_before(int argc, char *argv[], struct ctl *out);

/*
 * Reads the options of a command; argv[0] is its name. Returns the index of its
 * first operand; argv is sorted so that all operands come last. Ends the
 * program for an option that the command does not have, for a wrong number of
 * operands, and for -h.
 */
int options_of(
	const struct command *command, int argc, char *argv[], struct ctl *out);
