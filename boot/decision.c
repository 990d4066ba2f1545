/* SPDX-License-Identifier: MIT */
/*
 * Decides which boot file a client gets: its entry in once/, then static/, then
 * "default". The first entry that exists decides, even if it is broken: a
 * mistyped link must not boot another system.
 */
#include "boot/decision.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/grace.h"
#include "boot/text.h"
#include "boot/tree.h"

const char *source_name(enum source source)
{
	static const char *const names[] = {
		[SOURCE_ONCE] = "once",
		[SOURCE_GRACE] = "once",
		[SOURCE_STATIC] = "static",
		[SOURCE_DEFAULT] = "default",
	};

	return names[source];
}

/* err is -errno. */
static void set_broken(struct decision *decision, int err)
{
	decision->error = -err;
	decision->reason = reason_of(-err);
	decision->words = reason_text(-err);
}

enum found {
	FOUND_NOTHING,
	FOUND_FILE, /* or anything else that is not a link */
	FOUND_LINK,
	FOUND_ERROR,
};

static enum found read_entry(const struct tree *tree, struct decision *decision)
{
	int err = tree_read_link(tree, decision->entry, decision->link_text);

	if (err == 0)
		return FOUND_LINK;
	decision->link_text[0] = '\0';
	if (err == -ENOENT)
		return FOUND_NOTHING;
	if (err == -EINVAL)
		return FOUND_FILE;
	set_broken(decision, err);
	return FOUND_ERROR;
}

static void open_entry_target(
	const struct tree *tree, struct decision *decision)
{
	const char *text =
		decision->link_text[0] == '\0' ? NULL : decision->link_text;
	int err = target_open(tree, decision->entry, text, &decision->target);
	if (err < 0)
		set_broken(decision, err);
}

/* Returns false if there is no entry. */
static bool open_entry(const struct tree *tree, struct decision *decision)
{
	enum found found = read_entry(tree, decision);

	if (found == FOUND_FILE || found == FOUND_LINK)
		open_entry_target(tree, decision);
	return found != FOUND_NOTHING;
}

/* directory ends with a slash. */
static void name_entry(
	struct decision *decision, const char *directory, const char *client)
{
	struct text entry;

	text_begin(&entry, decision->entry, sizeof decision->entry);
	text_add(&entry, directory);
	text_add(&entry, client);
}

/* The decide_ functions return true if the entry decides, even if broken. */
static bool decide_once(
	const struct tree *tree, const char *client, struct decision *decision)
{
	decision->source = SOURCE_ONCE;
	name_entry(decision, ONCE_DIR "/", client);
	tree_look_for_changes(tree, ONCE_DIR);

	switch (read_entry(tree, decision)) {
	case FOUND_LINK:
		open_entry_target(tree, decision);
		return true;
	case FOUND_FILE:
		decision->once_is_file = true;
		return false;
	case FOUND_ERROR:
		return true;
	default:
		return false;
	}
}

/* Leaves decision->entry as decide_once() set it. */
static bool decide_grace(const struct tree *tree, const char *client,
	unsigned grace, struct decision *decision)
{
	if (grace == 0)
		return false;

	int found = grace_recent(
		tree, client, grace, decision->grace_path, decision->link_text);
	if (found == 0) {
		decision->link_text[0] = '\0';
		return false;
	}
	decision->source = SOURCE_GRACE;
	if (found < 0)
		set_broken(decision, found);
	else
		open_entry_target(tree, decision);
	return true;
}

static bool decide_static(
	const struct tree *tree, const char *client, struct decision *decision)
{
	decision->source = SOURCE_STATIC;
	name_entry(decision, STATIC_DIR "/", client);

	return open_entry(tree, decision);
}

static void decide_default(const struct tree *tree, struct decision *decision)
{
	decision->source = SOURCE_DEFAULT;
	strcpy(decision->entry, TREE_DEFAULT);

	/* "default" is usually a file: try that before reading a link. */
	decision->link_text[0] = '\0';
	if (target_open_default(tree, &decision->target) < 0 &&
		!open_entry(tree, decision))
		set_broken(decision, -ENOENT);
}

static void decide(const struct tree *tree, const char *client, unsigned grace,
	struct decision *out)
{
	out->error = 0;
	out->reason = REASON_NONE;
	out->once_is_file = false;
	out->target.fd = -1;

	if (decide_once(tree, client, out) ||
		decide_grace(tree, client, grace, out) ||
		decide_static(tree, client, out))
		return;
	decide_default(tree, out);
}

void decision_make(const struct tree *tree, const char *client, unsigned grace,
	struct decision *out)
{
	decide(tree, client, grace, out);
	/* Another server has replaced a file that the kernel remembered. */
	if (out->error == ESTALE)
		decide(tree, client, grace, out);
}

/*
 * The claim moved another link than the decision read. Decides by the moved
 * link, or puts it back if it is broken.
 *
 * rare: somebody armed the client anew between the decision and the claim
 */
static int decide_anew(const struct tree *tree, struct decision *decision,
	const struct claim *claim)
{
	bool is_overtaken;

	decision_close(tree, decision);
	open_entry_target(tree, decision);
	if (decision->error == 0)
		return 0;
	decision_close(tree, decision);
	int err = claim_put_back(tree, claim, &is_overtaken);
	if (err == 0)
		return -ENOENT;
	decision_fail(decision, -err);
	return err;
}

int decision_claim(const struct tree *tree, const char *client,
	struct decision *decision, struct claim *claim)
{
	char seen[PATH_MAX];

	strcpy(seen, decision->link_text);
	int err = claim_take(tree, client, decision->link_text, claim);
	if (err < 0) {
		/* Never serve the target of a once link unclaimed. */
		decision_fail(decision, -err);
		return err;
	}
	return strcmp(decision->link_text, seen) == 0
	               ? 0
	               : decide_anew(tree, decision, claim);
}

void decision_fail(struct decision *decision, int error)
{
	decision->error = error;
	decision->reason = REASON_TEMPORARY;
	decision->words = strerror(error);
}

void decision_error_line(
	const struct decision *decision, char out[static DECISION_LINE_SIZE])
{
	char escaped[1024];

	escape_line(decision->link_text, escaped, sizeof escaped);
	snprintf(out, DECISION_LINE_SIZE, "# %s%s%s: %s", decision->entry,
		escaped[0] == '\0' ? "" : " -> ", escaped, decision->words);
}

void decision_close(const struct tree *tree, struct decision *decision)
{
	target_close(tree, &decision->target);
}
