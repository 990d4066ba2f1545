/* SPDX-License-Identifier: MIT */
/* The commands that make links: once, static, rearm. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/target.h"
#include "boot/text.h"
#include "ctl/arm.h"
#include "ctl/as_user.h"
#include "ctl/boot_file.h"
#include "ctl/cancelled.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/directory.h"
#include "ctl/forecast.h"

#define STATIC_DIR "static"
/* More than there can be on the way to a target: target.c. */
#define WAY_MAX 64

/* What all clients of one call get. */
struct arming {
	const char *directory; /* once or static */
	struct tree inside;    /* its root is that directory */
	enum arm_files files;
	const struct ctl *ctl;
	char text[PATH_MAX]; /* of the link */

	/* The links and the file between the new link and its end. */
	struct {
		dev_t device;
		ino_t number;
	} way[WAY_MAX];
	unsigned way_length;

	struct forecast links; /* of all once links, when has_forecast */
	bool has_forecast;
	char warned[sizeof((struct forecast *)0)->problem];
};

static void escaped_puts(const char *text)
{
	char escaped[PATH_MAX];

	escape_line(text, escaped, sizeof escaped);
	fputs(escaped, stdout);
}

static bool refuse(const struct arming *arming, const char *client, int err)
{
	const bool is_static = strcmp(arming->directory, STATIC_DIR) == 0;
	struct stat st;

	if (err == -EEXIST &&
		fstatat(arming->inside.root, client, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode))
		warnx("%s/%s: there is a directory, which is left alone",
			arming->directory, client);
	else if (err == -EEXIST)
		warnx("%s/%s: there is a file and no link, which is left "
		      "alone%s",
			arming->directory, client,
			is_static ? " (--force replaces it)" : "");
	else
		warnx("%s/%s: %s", arming->directory, client, strerror(-err));
	return false;
}

/* Whether the target is reached by way of that client's entry. */
static bool is_on_the_way(const struct arming *arming, const char *client)
{
	struct stat st;

	if (fstatat(arming->inside.root, client, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	for (unsigned i = 0; i < arming->way_length; i++) {
		if (arming->way[i].device == st.st_dev &&
			arming->way[i].number == st.st_ino)
			return true;
	}
	return false;
}

/* The same of many clients is said once. */
static void warn_of(struct arming *arming, const char *client,
	const struct forecast *forecast)
{
	char path[2 * PATH_MAX];

	if (strcmp(forecast->problem, arming->warned) == 0)
		return;
	strcpy(arming->warned, forecast->problem);
	escape_line(forecast->path, path, sizeof path);
	fflush(stdout);
	warnx("warning: once/%s is armed, but %s: %s; %s", client, path,
		forecast->problem, forecast->advice);
}

/* Whether a once link that was made will be served, as far as that is known. */
static bool check_will_be_served(struct arming *arming, const char *client)
{
	struct forecast forecast;

	if (strcmp(arming->directory, ONCE_DIR) != 0)
		return true;
	as_user_begin_reading(arming->ctl);
	if (!arming->has_forecast)
		forecast_links(arming->ctl, &arming->links);
	arming->has_forecast = true;
	forecast_link(arming->ctl, &arming->links, client, &forecast);
	as_user_end();
	if (forecast.kind != FORECAST_GOOD)
		warn_of(arming, client, &forecast);
	return forecast.kind == FORECAST_GOOD ||
	       forecast.kind == FORECAST_DOUBT;
}

static bool arm(struct ctl *ctl, const struct client *client, void *context)
{
	struct arming *arming = context;
	char before[PATH_MAX];

	(void)ctl;
	if (is_on_the_way(arming, client->name)) {
		warnx("%s/%s: the target leads through this very entry, which "
		      "is left alone",
			arming->directory, client->name);
		return false;
	}
	const int err = arm_link(&arming->inside, ".", client->name,
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
	return check_will_be_served(arming, client->name);
}

/* The target as it counts from the root, or NULL when it is not below it. */
static const char *strip_root(const struct tree *tree, const char *target)
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

static void note_step(const char *path, void *context)
{
	struct arming *arming = context;
	struct stat st;

	if (arming->way_length == WAY_MAX ||
		fstatat(arming->ctl->tree.root, path, &st,
			AT_SYMLINK_NOFOLLOW) < 0)
		return;
	arming->way[arming->way_length].device = st.st_dev;
	arming->way[arming->way_length].number = st.st_ino;
	arming->way_length++;
}

/*
 * Asks for the target of a link with this text by the responder's own checks,
 * and takes the text if it is good. 0 or -errno.
 */
static int try_text(struct arming *arming, const char *what, const char *text)
{
	const struct tree *tree = &arming->ctl->tree;
	struct target target;
	char entry[32], shown[PATH_MAX];

	if (strlen(text) >= sizeof arming->text)
		return -ENAMETOOLONG;
	/* Which client it is makes no difference. */
	snprintf(entry, sizeof entry, "%s/client", arming->directory);
	arming->way_length = 0;
	as_user_begin(arming->ctl);
	const int err =
		target_trace(tree, entry, text, note_step, arming, &target);
	as_user_end();
	if (err < 0)
		return err;

	const char *doubt = boot_file_doubt(tree, target.fd);
	escape_line(what, shown, sizeof shown);
	if (doubt != NULL)
		warnx("warning: %s: %s", shown, doubt);
	target_close(&target);
	strcpy(arming->text, text);
	return 0;
}

static bool refuse_target(const char *target, const char *why)
{
	char shown[PATH_MAX];

	escape_line(target, shown, sizeof shown);
	warnx("%s: %s", shown, why);
	return false;
}

/*
 * Finds the text of the links: relative, or where that leads elsewhere, since
 * the directory is a link itself, absolute. False, with a message.
 */
static bool find_text(struct arming *arming, const char *target)
{
	const struct tree *tree = &arming->ctl->tree;
	const char *path = target[0] == '/' ? strip_root(tree, target) : target;
	char relative[PATH_MAX + 4], absolute[2 * PATH_MAX];

	if (target[0] == '\0' || strcmp(target, "-") == 0)
		return refuse_target(
			target, "the last argument must be a boot file");
	if (path != NULL && strncmp(path, ONCE_DIR "/", 5) == 0)
		return refuse_target(target, "a one-time link is no target: it "
					     "goes when it is served");
	snprintf(absolute, sizeof absolute, "%s%s%s",
		path == NULL ? "" : tree->path, path == NULL ? "" : "/",
		path == NULL ? target : path);
	snprintf(relative, sizeof relative, "../%s", path == NULL ? "" : path);
	int err = try_text(arming, target, path == NULL ? absolute : relative);
	if (err < 0 && path != NULL && try_text(arming, target, absolute) == 0)
		err = 0;
	if (err == 0)
		return true;
	return refuse_target(target, reason_text(-err));
}

/* Opens the directory that links are made in. False, with a message. */
static bool open_directory(struct arming *arming)
{
	const int fd = directory_open(arming->ctl, arming->directory);

	arming->inside = (struct tree){.root = fd};
	return fd >= 0;
}

static bool make_links(struct ctl *ctl, int count, char *const operands[],
	const char *directory, enum arm_files files)
{
	struct arming arming = {
		.directory = directory, .files = files, .ctl = ctl};

	if (!open_directory(&arming))
		return false;
	const bool done = find_text(&arming, operands[count - 1]) &&
	                  clients_each(ctl, count - 1, operands, arm, &arming);
	tree_close(&arming.inside);
	return done;
}

bool cmd_once(struct ctl *ctl, int count, char *const operands[])
{
	return make_links(ctl, count, operands, ONCE_DIR, ARM_KEEPS_FILES);
}

bool cmd_static(struct ctl *ctl, int count, char *const operands[])
{
	return make_links(ctl, count, operands, STATIC_DIR,
		ctl->force ? ARM_REPLACES_FILES : ARM_KEEPS_FILES);
}

/* It was somebody else's decision, and what to boot is for the own one. */
static bool refuse_others(const char *client, const struct rearmable *rearmable)
{
	const struct passwd *owner = getpwuid(rearmable->owner);
	const char *target = rearmable->text;
	char number[32], shown[PATH_MAX];

	snprintf(number, sizeof number, "user %lu",
		(unsigned long)rearmable->owner);
	/* once/.. is the root. */
	escape_line(strncmp(target, "../", 3) == 0 ? target + 3 : target, shown,
		sizeof shown);
	warnx("%s: armed by %s; to arm it yourself: pxesrvctl once %s %s",
		rearmable->path, owner == NULL ? number : owner->pw_name,
		client, shown);
	return false;
}

static bool rearm(struct ctl *ctl, const struct client *client, void *context)
{
	struct arming *arming = context;
	struct rearmable rearmable;
	char path[64];

	int err = rearm_find(ctl, client->name, &rearmable);
	snprintf(path, sizeof path, SERVED_DIR "/%s", client->name);
	if (err == -EPERM && rearmable.path[0] != '\0')
		return refuse_others(client->name, &rearmable);
	if (err < 0)
		return refuse_target(path,
			err == -ENOENT ? "nothing was served to it, or it was "
					 "taken away"
				       : strerror(-err));
	err = try_text(arming, rearmable.path, rearmable.text);
	return err < 0 ? refuse_target(rearmable.path, reason_text(-err))
	               : arm(ctl, client, arming);
}

bool cmd_rearm(struct ctl *ctl, int count, char *const operands[])
{
	struct arming arming = {
		.directory = ONCE_DIR, .files = ARM_KEEPS_FILES, .ctl = ctl};

	if (!open_directory(&arming))
		return false;
	const bool done = clients_each(ctl, count, operands, rearm, &arming);
	tree_close(&arming.inside);
	return done;
}
