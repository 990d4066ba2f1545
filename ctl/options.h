/* SPDX-License-Identifier: MIT */
#pragma once

#include "ctl/ctl.h"

struct command {
	const char *name;
	command_run *run;
	bool needs_tree;
	const char *operands; /* for the usage */
	int operands_min;
	int operands_max;    /* -1: unlimited */
	const char *options; /* letters of the options, except -h and -r */
	const char *help;    /* lines, without the options */
};

/* Ends the program if there is no command of this name. */
const struct command *command_find_or_exit(const char *name);

/*
 * Reads the options before the command, from argv[1]. Returns the index of the
 * command. Ends the program if there is none, and for -h and -V.
 */
int options_before(int argc, char *argv[], struct ctl *out);

/*
 * Reads the options of a command; argv[0] is its name. Sorts argv so that
 * operands come last, and returns the index of the first. Ends the program for
 * an option of another command, a wrong number of operands, and -h.
 */
int options_of(
	const struct command *command, int argc, char *argv[], struct ctl *out);
