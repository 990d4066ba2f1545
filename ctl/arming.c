/* SPDX-License-Identifier: MIT */
/* The commands that make links: once, static, rearm. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arm.h"
#include "boot.h"
#include "boot_file.h"
#include "claim.h"
#include "clients.h"
#include "ctl.h"
#include "escape.h"
#include "eyes.h"
#include "target.h"

#define STATIC_DIR "static"

/* What all clients of one call get. */
struct arming {
	const char *directory; /* once or static */
	enum arm_files files;
	char text[PATH_MAX]; /* of the link */
};

static void escaped_puts(const char *text)
{
	char escaped[PATH_MAX];

	escape_line(text, escaped, sizeof escaped);
	fputs(escaped, stdout);
}

static bool refuse(const struct arming *arming, const char *client, int err)
{
	if (err == -EEXIST)
		warnx("%s/%s: there is a file and no link, which is left "
		      "alone%s",
			arming->directory, client,
			strcmp(arming->directory, STATIC_DIR) == 0
				? " (--force replaces it)"
				: "");
	else
		warnx("%s/%s: %s", arming->directory, client, strerror(-err));
	return false;
}

static bool arm(struct ctl *ctl, const struct client *client, void *context)
{
	const struct arming *arming = context;
	char before[PATH_MAX];
	const int err = arm_link(&ctl->tree, arming->directory, client->name,
		arming->text, arming->files, before);

	if (err < 0)
		return refuse(arming, client->name, err);
	printf("%s/%s -> ", arming->directory, client->name);
	escaped_puts(arming->text);
	if (before[0] != '\0') {
		fputs(" (instead of ", stdout);
		escaped_puts(before);
		putchar(')');
	}
	putchar('\n');
	return true;
}

/* The target as it counts from the root, or NULL when it is not below it. */
static const char *inside(const struct tree *tree, const char *target)
{
	char real[PATH_MAX];
	const char *path = tree_strip(tree, target);

	/* The root may be reached by a link, and named without. */
	if (path == NULL && tree_absolute(tree->root, real, sizeof real) == 0) {
		const struct tree unlinked = {.path = real};
		path = tree_strip(&unlinked, target);
	}
	return path;
}

/* The text of a link in a directory of the root. False, with a message. */
static bool make_text(
	const struct tree *tree, const char *target, char out[static PATH_MAX])
{
	const char *path = target[0] == '/' ? inside(tree, target) : target;

	if (target[0] == '\0' || strcmp(target, "-") == 0) {
		warnx("the last argument must be a boot file of the tree");
		return false;
	}
	if (snprintf(out, PATH_MAX, "%s%s", path == NULL ? "" : "../",
		    path == NULL ? target : path) >= PATH_MAX) {
		warnx("%s: %s", target, strerror(ENAMETOOLONG));
		return false;
	}
	return true;
}

/* By the responder's own checks. False, with a message. */
static bool check_target(
	const struct ctl *ctl, const char *what, const char *text)
{
	struct target target;

	eyes_open(ctl);
	/* Which client it is makes no difference. */
	const int err =
		target_open(&ctl->tree, ONCE_DIR "/client", text, &target);
	eyes_close();
	if (err < 0) {
		warnx("%s: %s (in the tree %s)", what, boot_reason(-err),
			ctl->root);
		return false;
	}
	const char *doubt = boot_file_doubt(&ctl->tree, target.fd);
	if (doubt != NULL)
		warnx("warning: %s: %s", what, doubt);
	target_close(&target);
	return true;
}

/* An absent one is as good as an empty one for asking, but not for arming. */
static bool has_directory(const struct tree *tree, const char *directory)
{
	if (faccessat(tree->root, directory, F_OK, 0) == 0)
		return true;
	warnx("%s/%s: %s", tree->path, directory, strerror(errno));
	return false;
}

static bool make_links(struct ctl *ctl, int count, char *const operands[],
	struct arming *arming)
{
	const char *target = operands[count - 1];

	return has_directory(&ctl->tree, arming->directory) &&
	       make_text(&ctl->tree, target, arming->text) &&
	       check_target(ctl, target, arming->text) &&
	       clients_each(ctl, count - 1, operands, arm, arming);
}

static bool run_once(struct ctl *ctl, int count, char *const operands[])
{
	struct arming arming = {
		.directory = ONCE_DIR, .files = ARM_KEEPS_FILES};

	return make_links(ctl, count, operands, &arming);
}

static bool run_static(struct ctl *ctl, int count, char *const operands[])
{
	struct arming arming = {.directory = STATIC_DIR,
		.files = ctl->force ? ARM_REPLACES_FILES : ARM_KEEPS_FILES};

	return make_links(ctl, count, operands, &arming);
}

static bool rearm(struct ctl *ctl, const struct client *client, void *context)
{
	struct arming *arming = context;
	char path[64];

	snprintf(path, sizeof path, SERVED_DIR "/%s", client->name);
	const ssize_t n = readlinkat(
		ctl->tree.root, path, arming->text, sizeof arming->text - 1);
	if (n < 0) {
		warnx("%s: %s", path,
			errno == ENOENT ? "nothing was served to it, or it was "
					  "taken away"
					: strerror(errno));
		return false;
	}
	arming->text[n] = '\0';
	return check_target(ctl, path, arming->text) &&
	       arm(ctl, client, arming);
}

static bool run_rearm(struct ctl *ctl, int count, char *const operands[])
{
	struct arming arming = {
		.directory = ONCE_DIR, .files = ARM_KEEPS_FILES};

	return clients_each(ctl, count, operands, rearm, &arming);
}

const struct command command_once = {
	.name = "once",
	.operands = "CLIENT... TARGET",
	.options = "uFL",
	.help = "arm: the next boot gets TARGET, one time\n"
		"TARGET is a path in the tree, such as debian/12/default, or "
		"an absolute one.\n",
	.operands_min = 2,
	.operands_max = -1,
	.needs_tree = true,
	.run = run_once,
};

const struct command command_static = {
	.name = "static",
	.operands = "CLIENT... TARGET",
	.options = "uFL",
	.help = "each boot gets TARGET, from now on\n"
		"TARGET is a path in the tree, such as debian/12/default, or "
		"an absolute one.\n",
	.operands_min = 2,
	.operands_max = -1,
	.needs_tree = true,
	.run = run_static,
};

const struct command command_rearm = {
	.name = "rearm",
	.operands = "CLIENT...",
	.options = "uFL",
	.help = "arm again what was last served, or cancelled\n",
	.operands_min = 1,
	.operands_max = -1,
	.needs_tree = true,
	.run = run_rearm,
};
