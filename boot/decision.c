/* SPDX-License-Identifier: MIT */
#include "boot/decision.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/escape.h"
#include "boot/grace.h"
#include "boot/kept.h"
#include "boot/text.h"
#include "boot/tree.h"

const char *boot_source_name(enum boot_source source)
{
	static const char *const names[] = {
		[BOOT_ONCE] = "once",
		[BOOT_GRACE] = "once",
		[BOOT_STATIC] = "static",
		[BOOT_DEFAULT] = "default",
	};

	return names[source];
}

int boot_status(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return 404;
	case EACCES:
	case EPERM:
	case EISDIR:
	case ENXIO:
	case ENODEV:
	case EXDEV:
		return 403;
	default:
		return 503;
	}
}

const char *boot_reason(int error)
{
	switch (error) {
	case ENXIO:
	case ENODEV:
		return "Not a regular file";
	case EXDEV:
		return "Outside the directories that files may come from";
	default:
		return strerror(error);
	}
}

static void fail(struct boot *boot, int err)
{
	boot->error = -err;
	boot->reason = boot_reason(-err);
	boot->status = boot_status(-err);
}

/* What stands at an entry. */
enum found {
	FOUND_NOTHING,
	FOUND_FILE, /* or anything else that is no link */
	FOUND_LINK,
	FOUND_TROUBLE,
};

static enum found read_entry(const struct tree *tree, struct boot *boot)
{
	int err = tree_read_link(tree, boot->entry, boot->text);

	if (err == 0)
		return FOUND_LINK;
	boot->text[0] = '\0';
	if (err == -ENOENT)
		return FOUND_NOTHING;
	if (err == -EINVAL)
		return FOUND_FILE;
	fail(boot, err);
	return FOUND_TROUBLE;
}

/* Opens what the entry leads to, whatever comes of it. */
static void open_target(const struct tree *tree, struct boot *boot)
{
	const char *text = boot->text[0] == '\0' ? NULL : boot->text;
	int err = target_open(tree, boot->entry, text, &boot->target);
	if (err < 0)
		fail(boot, err);
	else
		boot->status = 200;
}

/* Opens what an entry is or leads to. False when there is no entry. */
static bool open_entry(const struct tree *tree, struct boot *boot)
{
	enum found found = read_entry(tree, boot);

	if (found == FOUND_FILE || found == FOUND_LINK)
		open_target(tree, boot);
	return found != FOUND_NOTHING;
}

/* Names the entry of a client. directory ends with a slash. */
static void name_entry(
	struct boot *boot, const char *directory, const char *client)
{
	struct text entry;

	text_begin(&entry, boot->entry, sizeof boot->entry);
	text_add(&entry, directory);
	text_add(&entry, client);
}

/* True when the answer is in boot, be it an error. */
static bool look_once(
	const struct tree *tree, const char *client, struct boot *boot)
{
	boot->source = BOOT_ONCE;
	name_entry(boot, ONCE_DIR "/", client);

	switch (read_entry(tree, boot)) {
	case FOUND_LINK:
		open_target(tree, boot);
		return true;
	case FOUND_FILE:
		boot->once_is_file = true;
		return false;
	case FOUND_TROUBLE:
		return true;
	default:
		return false;
	}
}

/* After look_once(), whose entry it shares. */
static bool look_grace(const struct tree *tree, const char *client,
	unsigned grace, struct boot *boot)
{
	if (grace == 0)
		return false;

	int found = grace_recent(tree, client, grace, boot->recent, boot->text);
	if (found == 0) {
		boot->text[0] = '\0';
		return false;
	}
	boot->source = BOOT_GRACE;
	if (found < 0)
		fail(boot, found);
	else
		open_target(tree, boot);
	return true;
}

static bool look_static(
	const struct tree *tree, const char *client, struct boot *boot)
{
	boot->source = BOOT_STATIC;
	name_entry(boot, "static/", client);

	return open_entry(tree, boot);
}

static void look_default(const struct tree *tree, struct boot *boot)
{
	boot->source = BOOT_DEFAULT;
	strcpy(boot->entry, TREE_DEFAULT);

	/* As a rule it is a file. */
	boot->text[0] = '\0';
	if (kept_default_open(tree, &boot->target) == 0)
		boot->status = 200;
	else if (!open_entry(tree, boot))
		fail(boot, -ENOENT);
}

void boot_look(const struct tree *tree, const char *client, unsigned grace,
	struct boot *out)
{
	out->error = 0;
	out->once_is_file = false;
	out->target.fd = -1;

	if (look_once(tree, client, out) ||
		look_grace(tree, client, grace, out) ||
		look_static(tree, client, out))
		return;
	look_default(tree, out);
}

int boot_claim(const struct tree *tree, const char *client, struct boot *boot,
	struct claim *claim)
{
	int err = claim_take(tree, client, boot->text, claim);
	if (err < 0) {
		/* A once target is never served unclaimed. */
		boot_fail(boot, -err);
		return err;
	}
	if (strcmp(claim->text, boot->text) == 0)
		return 0;

	/* Somebody armed the client anew between the look and the move. */
	boot_close(boot);
	strcpy(boot->text, claim->text);
	open_target(tree, boot);
	if (boot->error == 0)
		return 0;
	/* Broken: it goes back, since it must not move; look again. */
	boot_close(boot);
	err = claim_return(tree, claim);
	if (err == -EEXIST)
		err = claim_retire(tree, claim);
	if (err == 0)
		return -ENOENT;
	boot_fail(boot, -err);
	return err;
}

void boot_fail(struct boot *boot, int error)
{
	boot->error = error;
	boot->reason = strerror(error);
	boot->status = 503;
}

void boot_line(const struct boot *boot, char out[static BOOT_LINE_SIZE])
{
	char text[1024];

	escape_line(boot->text, text, sizeof text);
	snprintf(out, BOOT_LINE_SIZE, "# %s%s%s: %s", boot->entry,
		text[0] == '\0' ? "" : " -> ", text, boot->reason);
}

void boot_close(struct boot *boot)
{
	target_close(&boot->target);
}
