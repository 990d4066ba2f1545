/* SPDX-License-Identifier: MIT */
#pragma once

#include "ctl/ctl.h"

/*
 * Reads the options that stand before the command, from argv[1] on. Returns the
 * index of the command. Ends the program where there is none, for -h and -V.
 */
int options_before(int argc, char *argv[], struct ctl *out);

/*
 * Reads the options of a command; argv[0] is its name. Returns the index of its
 * first operand; argv is sorted so that all operands come last. Ends the
 * program for an option that the command does not have, and for -h.
 */
int options_of(
	const struct command *command, int argc, char *argv[], struct ctl *out);

/* The commands, in the order of the help; NULL is the last one. */
extern const struct command *const commands[];
