/* SPDX-License-Identifier: MIT */
/* pxesrvctl check: reports what is wrong with the tree, and how to fix it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/client.h"
#include "boot/decision.h"
#include "boot/file_system.h"
#include "boot/moment.h"
#include "boot/once.h"
#include "boot/target.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/arm.h"
#include "ctl/as_user.h"
#include "ctl/boot_file.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/forecast.h"
#include "ctl/key_check.h"
#include "ctl/print.h"

/* Younger files may be in use, by a slow answer or another pxesrvctl. */
#define ANSWER_SECONDS 60
#define ARMING_SECONDS 5

struct checking {
	struct ctl *ctl;
	enum entry_kind kind;
	unsigned long found;
	struct forecast links, done;
};

/* Reports a problem of path. advice, for printf(3), says how to fix it. */
__attribute__((format(printf, 4, 5))) static void report_problem(
	struct checking *checking, const char *path, const char *problem,
	const char *advice, ...)
{
	char advice_text[2 * PATH_MAX], line[4 * PATH_MAX];
	va_list args;

	va_start(args, advice);
	vsnprintf(advice_text, sizeof advice_text, advice, args);
	va_end(args);
	checking->found++;
	if (checking->ctl->json) {
		print_json(json_pack("{s:o,s:s,s:o}", "path",
			json_string_of(path), "problem", problem, "advice",
			json_string_of(advice_text)));
		return;
	}
	escape_line(path, line, sizeof line);
	print_coloured(BAD, line);
	printf(": %s\n", problem);
	escape_line(advice_text, line, sizeof line);
	printf("  %s\n", line);
}

static void check_target(struct checking *checking, const struct entry *entry)
{
	if (entry->is_expired)
		report_problem(checking, entry->path, entry->problem,
			"arm the machine again, or remove it");
	else if (entry->problem != NULL)
		report_problem(checking, entry->path, entry->problem,
			entry->link_text[0] == '\0'
				? "it must be a boot file that the responder's user can read, or a link to one%s"
				: "its target is %s: fix the target or the link",
			entry->link_text);
	else if (entry->doubt != NULL)
		report_problem(checking, entry->path, entry->doubt,
			entry->link_text[0] == '\0'
				? "check that it is meant to be booted%s"
				: "check that it is meant to be booted: %s",
			entry->link_text);
}

static void check_key(struct checking *checking, const struct entry *entry)
{
	struct key_problem problem;

	if (key_check(checking->ctl, entry, &problem))
		report_problem(checking, entry->path, problem.problem, "%s",
			problem.advice);
}

/*
 * Whether the link in former, such as once/.served, is the later one. That link
 * got its time when it was served or, in until/.done, kept the time when it was
 * armed, as a copy does: hence is_same_later.
 */
static bool is_former_later(const struct tree *tree, const struct entry *entry,
	const char *former, bool is_same_later)
{
	char path[ENTRY_PATH_SIZE];
	struct stat armed, was;
	struct timespec now;

	snprintf(path, sizeof path, "%s/%s", former, entry->client);
	if (fstatat(tree->root, entry->path, &armed, AT_SYMLINK_NOFOLLOW) < 0 ||
		fstatat(tree->root, path, &was, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	/* The clock has been set back: the times say nothing. */
	if (moment_is_after(&was.st_mtim, &now))
		return false;
	return is_same_later ? !moment_is_after(&armed.st_mtim, &was.st_mtim)
	                     : moment_is_after(&was.st_mtim, &armed.st_mtim);
}

/* Reports a used-up link that a deployment or a restore has put back. */
static void check_former(struct checking *checking, const struct entry *entry)
{
	const struct tree *tree = &checking->ctl->tree;
	const char *advice = "remove it, or arm the machine again";

	if (entry->kind == ENTRY_ARMED &&
		is_former_later(tree, entry, SERVED_DIR, false))
		report_problem(checking, entry->path,
			"older than the link that was served last: a copy or a restore may have brought it back",
			"%s", advice);
	if (entry->kind == ENTRY_UNTIL &&
		is_former_later(tree, entry, DONE_DIR, true))
		report_problem(checking, entry->path,
			"not newer than the link that was done last: a copy or a restore may have brought it back",
			"%s", advice);
}

static void check_unsure(struct checking *checking, const struct entry *entry)
{
	char age[AGE_SIZE], problem[AGE_SIZE + 64];

	format_age((long long)(time(NULL) - entry->since), age);
	/* The answer may still be under way. */
	if (time(NULL) - entry->since < ANSWER_SECONDS)
		return;
	snprintf(problem, sizeof problem,
		"left by a crash %s ago, most likely after it was served", age);
	report_problem(checking, entry->path, problem,
		"check the machine, then remove this, or move it to once/%s to serve it again",
		entry->client);
}

/* Whether a file is too old to be in use. */
static bool is_leftover(const struct checking *checking, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s",
		entry_places[checking->kind].directory, name);
	return fstatat(checking->ctl->tree.root, path, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       time(NULL) - st.st_ctime >= ARMING_SECONDS;
}

static void check_leftover(struct checking *checking, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s",
		entry_places[checking->kind].directory, name);
	if (strncmp(name, ARM_TEMPORARY, strlen(ARM_TEMPORARY)) == 0 &&
		is_leftover(checking, name))
		report_problem(checking, path,
			"left by an interrupted pxesrvctl", "remove it");
	if (checking->kind == ENTRY_ARMED && name[0] == '.' &&
		strstr(name, ONCE_ASIDE) != NULL)
		report_problem(checking, path,
			"the responder moved it aside: it was in the place of one of its own files",
			"find out who made it, and remove it");
}

static void check_entry(const char *name, void *context)
{
	struct checking *checking = context;
	struct entry entry;

	check_leftover(checking, name);
	if (!entry_look(checking->ctl, checking->kind, name, &entry))
		return;
	check_key(checking, &entry);
	switch (checking->kind) {
	case ENTRY_CLAIMED:
		check_unsure(checking, &entry);
		break;
	case ENTRY_ARMED:
	case ENTRY_UNTIL:
		if (entry.link_text[0] == '\0')
			report_problem(checking, entry.path, entry.problem,
				"make it a link to a boot file, or move it to static/");
		else
			check_target(checking, &entry);
		check_former(checking, &entry);
		break;
	case ENTRY_STATIC:
	case ENTRY_SUBNET:
		check_target(checking, &entry);
		break;
	case ENTRY_NAME:
		if (entry.problem != NULL)
			report_problem(checking, entry.path, entry.problem,
				"use pxesrvctl name, or make it a link whose text is the name");
		break;
	default:
		break;
	}
}

static void check_default_file(struct checking *checking)
{
	const struct tree *tree = &checking->ctl->tree;
	struct target target;
	struct stat st;

	if (fstatat(tree->root, TREE_DEFAULT, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		report_problem(checking, TREE_DEFAULT,
			errno == ENOENT
				? "it does not exist: clients without an entry get 404"
				: strerror(errno),
			"put a boot script there, usually a menu");
		return;
	}
	const int err = target_open(tree, TREE_DEFAULT, NULL, &target);
	if (err < 0) {
		report_problem(checking, TREE_DEFAULT, reason_text(-err),
			"it must be a file that the responder's user can read, usually a menu");
		return;
	}
	const char *doubt = boot_file_doubt(tree, target.fd);
	if (doubt != NULL)
		report_problem(checking, TREE_DEFAULT, doubt,
			"check that it is meant to be booted");
	target_close(tree, &target);
}

static void report_forecast(
	struct checking *checking, const struct forecast *forecast)
{
	if (forecast->kind != FORECAST_GOOD)
		report_problem(checking, forecast->path, forecast->problem,
			"%s", forecast->advice);
}

/* Says which file system once/ is on. This is no problem, so it isn't counted.
 */
static void print_file_system(const struct checking *checking)
{
	char kind[FILE_SYSTEM_LINE_SIZE];
	const int fd =
		openat(checking->ctl->tree.root, ONCE_DIR, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	file_system_describe(fd, kind);
	close(fd);
	if (checking->ctl->json)
		print_json(json_pack(
			"{s:s,s:s}", "path", ONCE_DIR, "file_system", kind));
	else
		printf(ONCE_DIR "/: on %s\n", kind);
}

/* Reports what keeps the responder from moving links. */
static void check_forecasts(struct checking *checking)
{
	struct forecast *links = &checking->links, served;

	forecast_links(checking->ctl, links);
	report_forecast(checking, links);
	if (links->kind == FORECAST_ELSEWHERE)
		return;
	if (links->kind != FORECAST_FAILS) {
		forecast_served(checking->ctl, &served);
		report_forecast(checking, &served);
	}
	forecast_done(checking->ctl, &checking->done);
	report_forecast(checking, &checking->done);
}

/* Reports who else can write to a part of once/ that is the responder's own. */
static void check_once_part(struct checking *checking, const char *path)
{
	const struct tree *tree = &checking->ctl->tree;
	const int err = once_part_check(tree, path);

	if (err < 0 && err != -ENOENT && once_part_forecast(tree, path) == 0 &&
		strcmp(path, checking->links.path) != 0)
		report_problem(checking, path,
			"it does not belong to the responder",
			"find out who made it, then restart the responder, which moves it aside to %s" ONCE_ASIDE
			"...",
			path);
	if (err == 0 && once_part_others_may_write(tree, path) == 1)
		report_problem(checking, path,
			"users other than the responder can write there, and could replace the link that a machine was armed with",
			"chmod go-w, or restart the responder");
}

/* Reports who can claim links, and who can make them. */
static void check_once_directory(struct checking *checking)
{
	struct stat once;

	check_forecasts(checking);
	if (fstatat(checking->ctl->tree.root, ONCE_DIR, &once, 0) < 0)
		return; /* same as an empty once/ */
	for (size_t i = 0; i < ONCE_PARTS; i++)
		check_once_part(checking, once_parts[i]);
	if (once.st_mode & S_IWOTH)
		report_problem(checking, ONCE_DIR,
			"every user of this machine may arm clients",
			"chmod o-w, and give it a group of administrators");
}

static bool is_once_part(const char *path)
{
	for (size_t i = 0; i < ONCE_PARTS; i++) {
		if (strcmp(once_parts[i], path) == 0)
			return true;
	}
	return false;
}

static void check_entries(struct checking *checking, enum entry_kind kind)
{
	const char *directory = entry_places[kind].directory;

	checking->kind = kind;
	const int error =
		-entry_each(&checking->ctl->tree, kind, check_entry, checking);
	/* Anything else in its place has been reported as such. */
	const bool was_reported =
		(is_once_part(directory) &&
			once_part_check(&checking->ctl->tree, directory) < 0) ||
		strcmp(directory, checking->done.path) == 0;
	if (error != 0 && !was_reported)
		report_problem(checking, directory, strerror(error),
			"let user %u read it", (unsigned)geteuid());
}

bool cmd_check(struct ctl *ctl, int count, char *const operands[])
{
	struct checking checking = {.ctl = ctl};

	(void)count;
	(void)operands;
	as_user_begin_reading(ctl);
	if (checking.ctl->tree.is_shared)
		print_file_system(&checking);
	check_default_file(&checking);
	check_once_directory(&checking);
	for (int kind = 0; kind < ENTRY_KINDS; kind++)
		check_entries(&checking, (enum entry_kind)kind);
	as_user_end();
	return checking.found == 0;
}
