/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>

/* The cases of test_sandbox.c. */

/* The tree, made anew for each case, beneath the current directory. */
static const struct {
	const char *path, *link; /* NULL: a file */
} entries[] = {
	{"whole/default", NULL},
	{"whole/once/10.0.0.7", "../os/boot"},
	{"whole/os/boot", NULL},
	{"whole/grub/2/grub.cfg", NULL},
	{"whole/versions/3/grub.cfg", NULL},
	{"whole/grub/3", "../versions/3"},
	{"whole/grub/broken", "nothing"},
	{"whole/grub/file", NULL},
	{"bare/default", NULL},
	{"bare/10.0.0.7", "default"},
	{"next/default", NULL},
	{"current", "whole"},
	{"links/chain", "BASE/current"},
	{"system", "/usr"},
	{"allowed/boot", NULL},
	{"outside/secret", NULL},
	{"run/socket", NULL},
	{"log/log", NULL},
	{"log/other", "../elsewhere/log"},
	{"elsewhere/log", NULL},
};
static const char *const directories[] = {"whole", "whole/once", "whole/os",
	"whole/until", "whole/grub", "whole/grub/2", "whole/versions",
	"whole/versions/3", "bare", "next", "links", "allowed", "outside",
	"run", "log", "elsewhere"};

/* A call that fails in one thread. */
struct fault {
	int call[2];
	int error;
	bool creates; /* of landlock_create_ruleset(2): not the version */
};
#define CREATE SCMP_SYS(landlock_create_ruleset)

static const struct fault forbidden = {{CREATE}, EPERM, false};
static const struct fault unknown = {{CREATE}, ENOSYS, false};
static const struct fault no_version = {{CREATE}, 0, false};
static const struct fault no_rules = {{CREATE}, EMFILE, true};
static const struct fault no_rule = {
	{SCMP_SYS(landlock_add_rule)}, ENOMEM, false};
static const struct fault no_entry = {
	{SCMP_SYS(landlock_restrict_self)}, E2BIG, false};
static const struct fault no_stat = {
	{SCMP_SYS(fstat), SCMP_SYS(newfstatat)}, EIO, false};

#define FILES "FILES"
#define OPEN "network (Landlock VERSION); files are not confined: "
#define MISSING                                                           \
	"; once/ does not exist: links may be moved in all of the root; " \
	"grub/ does not exist: files may be removed in all of the root"
#define LINK(link, where) \
	"; " link " is a link: all of " where " may be used like the root"

/*
 * In what is said, BASE is the current directory, VERSION Landlock's. Each
 * attempt is a letter, as attempt() knows it, and a path.
 */
static const struct test {
	const char *what, *root, *log, *allow, *socket;
	const struct fault *fault;
	const char *report;
	bool is_incomplete;
	const char *may[8], *may_not[8];
} tests[] = {
	{"a whole tree", "BASE/whole", "BASE/log/log", "", "BASE/run/socket",
		NULL, FILES, false,
		{"r whole/default", "m whole/once/10.0.0.7",
			"u whole/grub/2/grub.cfg",
			"u whole/versions/3/grub.cfg", "w log/log",
			"l log/rotated", "u run/socket"},
		{"r outside/secret", "w whole/default", "l whole/new",
			"u whole/os/boot", "t whole/default", "u log/log",
			"c "}},
	{"a tree without its parts", "BASE/bare", "-", "", NULL, NULL,
		FILES MISSING, false, {"r bare/default", "m bare/10.0.0.7"},
		{"r whole/default", "u run/socket", "l log/new", "c "}},
	{"a link as the root", "BASE/current", "-", "", NULL, NULL,
		FILES LINK("BASE/current", "BASE"), false,
		{"r whole/default", "r next/default", "m whole/once/10.0.0.7"},
		{"c "}},
	{"a link to a link", "BASE/links/chain", "-", "", NULL, NULL,
		FILES LINK("BASE/links/chain", "BASE")
			LINK("BASE/current", "BASE"),
		false, {"r next/default"}, {"c "}},
	{"a link to all of the system", "BASE/system", "-", "", NULL, NULL,
		OPEN "a link to a directory in / leads to the root", true,
		{"r outside/secret", "w whole/default"}, {"c "}},
	{"allowed directories", "BASE/whole", "BASE/log/log",
		"BASE/allowed::BASE/missing", NULL, NULL,
		FILES "; BASE/missing in PXESRV_ALLOW cannot be read until "
		      "a restart: No such file or directory",
		false, {"r allowed/boot"},
		{"w allowed/boot", "r outside/secret"}},
	{"a log that is a link", "BASE/whole", "BASE/log/other", "", NULL, NULL,
		FILES, false, {"w log/log", "l elsewhere/new"}, {"r log/log"}},
	{"a log that is a device", "BASE/whole", "/dev/null", "", NULL, NULL,
		FILES, false, {"w /dev/null"}, {"w /dev/zero", "w log/log"}},
	{"a log without a directory", "BASE/whole", "BASE/missing/log", "",
		NULL, NULL,
		FILES "; BASE/missing/log cannot be opened until a restart: No "
		      "such file or directory",
		false, {"r whole/default"}, {"w log/log"}},
	{"a socket without a directory", "BASE/whole", "-", "", "socket", NULL,
		FILES, false, {"u run/socket"}, {"r outside/secret"}},
	{"no root", NULL, "-", "", NULL, NULL,
		OPEN "PXESRV_ROOT is not in the environment", false,
		{"r outside/secret", "w whole/default"}, {"c "}},
	{"a root that is gone", "BASE/missing", "-", "", NULL, NULL,
		OPEN "No such file or directory", true, {"w whole/default"},
		{"c "}},
	{"a socket's directory that is gone", "BASE/whole", "-", "",
		"BASE/missing/socket", NULL, OPEN "No such file or directory",
		true, {"w whole/default"}, {"c "}},

	{"forbidden", "BASE/whole", "-", "", NULL, &forbidden,
		"files are not confined: Landlock is forbidden here", true,
		{"w whole/default", "c "}, {NULL}},
	{"an older kernel", "BASE/whole", "-", "", NULL, &unknown,
		"files are not confined: this kernel has no Landlock", true,
		{"w whole/default", "c "}, {NULL}},
	{"Landlock 1", "BASE/whole", "-", "", NULL, &no_version,
		"files are not confined: Landlock 1 does not allow moving links",
		true, {"w whole/default", "c "}, {NULL}},
	{"no rules", "BASE/whole", "-", "", NULL, &no_rules,
		"network is not confined: Landlock: Too many open files; files "
		"are not confined: Too many open files",
		true, {"w whole/default", "c "}, {NULL}},
	{"no rule", "BASE/whole", "-", "", NULL, &no_rule,
		OPEN "Cannot allocate memory", true, {"w whole/default"},
		{"c "}},
	{"no entry", "BASE/whole", "-", "", NULL, &no_entry,
		"network is not confined: Landlock: Argument list too long; "
		"files are not confined: Argument list too long",
		true, {"w whole/default", "c "}, {NULL}},
	{"no fstat", "BASE/whole", "-", "", NULL, &no_stat,
		OPEN "Input/output error", true, {"w whole/default"}, {"c "}},
};
