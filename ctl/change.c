/* SPDX-License-Identifier: MIT */
/* Says what a command has done to an entry, for people or for programs. */
#include "ctl/change.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/text.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

/* A regular file has no text. */
static bool has_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static json_t *json_text(const char *text)
{
	return has_text(text) ? json_string_of(text) : NULL;
}

static void print_change_text(
	const struct ctl *ctl, const struct change *change, const char *path)
{
	const char *shown =
		change->is_removal ? change->before : change->target;
	char before[PATH_MAX];

	print_link(path, shown == NULL ? "" : shown);
	if (change->is_unchanged) {
		fputs(" (unchanged)", stdout);
	} else if (!change->is_removal && has_text(change->before)) {
		escape_line(change->before, before, sizeof before);
		printf(" (instead of %s)", before);
	}
	puts(ctl->dry_run && !change->is_unchanged ? " (dry run)" : "");
}

void change_print(const struct ctl *ctl, const struct change *change)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s%s%s",
		change->directory == NULL ? "" : change->directory,
		change->directory == NULL ? "" : "/", change->client);
	if (!ctl->json) {
		print_change_text(ctl, change, path);
		return;
	}
	print_json(json_pack("{s:o,s:o?,s:o?,s:o?,s:b}", "client",
		json_string_of(change->client), "entry",
		change->directory == NULL ? NULL : json_string_of(path),
		"target", json_text(change->target), "before",
		json_text(change->before), "changed", !change->is_unchanged));
}

bool change_missing_ok(
	const struct ctl *ctl, const char *directory, const char *client)
{
	const struct change change = {.directory = directory,
		.client = client,
		.is_removal = true,
		.is_unchanged = true};

	if (ctl->missing_ok)
		change_print(ctl, &change);
	return ctl->missing_ok;
}

/* The group that may write to a directory, unless the caller is in it. */
static const struct group *find_writers(const struct ctl *ctl, const char *path)
{
	struct stat st;

	if (fstatat(ctl->tree.root, path, &st, 0) < 0 ||
		!(st.st_mode & S_IWGRP) || st.st_gid == 0 ||
		group_member(st.st_gid))
		return NULL;
	return getgrgid(st.st_gid);
}

bool change_print_error(const struct ctl *ctl, const char *directory,
	const char *path, int error)
{
	const struct group *writers =
		error == EACCES ? find_writers(ctl, directory) : NULL;

	if (writers == NULL)
		return print_error(path, "%s", strerror(error));
	return print_error(path,
		"%s; members of the group %s may write there: sudo usermod -aG %s USER, then log in again",
		strerror(error), writers->gr_name, writers->gr_name);
}
