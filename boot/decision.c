/* SPDX-License-Identifier: MIT */
/*
 * Decides which boot file a machine gets: its entry in once/, until/, static/
 * or subnet/, or "default". The first entry that exists decides, even if it is
 * broken: a mistyped link must not boot another system.
 */
#include "boot/decision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "boot/claim.h"
#include "boot/grace.h"
#include "boot/keys.h"
#include "boot/moment.h"
#include "boot/subnet.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"

const char *source_name(enum source source)
{
	static const char *const names[] = {
		[SOURCE_ONCE] = "once",
		[SOURCE_GRACE] = "once",
		[SOURCE_UNTIL] = "until",
		[SOURCE_STATIC] = "static",
		[SOURCE_SUBNET] = "subnet",
		[SOURCE_DEFAULT] = "default",
		[SOURCE_NAMES] = "names",
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
	struct decision *decision, const char *directory, const char *key)
{
	struct text entry;

	text_begin(&entry, decision->entry, sizeof decision->entry);
	text_add(&entry, directory);
	text_add(&entry, key);
	text_begin(&entry, decision->key, sizeof decision->key);
	text_add(&entry, key);
}

static void ignore_entry(struct decision *decision, const char *why)
{
	struct ignored_entry *ignored =
		&decision->ignored[decision->ignored_count++];

	strcpy(ignored->path, decision->entry);
	ignored->why = why;
}

bool decision_has_expired(const struct timespec *made, unsigned expires)
{
	struct timespec oldest;

	clock_gettime(CLOCK_REALTIME, &oldest);
	oldest.tv_sec -= expires;
	return expires > 0 && moment_is_after(&oldest, made);
}

/* Whether the link has expired: 1, 0 or -errno. */
static int is_expired(
	const struct tree *tree, const char *path, unsigned expires)
{
	struct stat st;

	if (expires == 0)
		return 0;
	if (fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return decision_has_expired(&st.st_mtim, expires);
}

/* Whether the link counts, or can't be examined. If not, it is ignored. */
static bool is_in_force(
	const struct tree *tree, unsigned expires, struct decision *decision)
{
	const int expired = is_expired(tree, decision->entry, expires);

	if (expired > 0)
		ignore_entry(decision, "has expired");
	else if (expired == -ENOENT)
		return false; /* rare: it was claimed meanwhile */
	else if (expired < 0)
		set_broken(decision, expired);
	return expired <= 0;
}

/* The decide_ functions return true if an entry decides, even if broken. */

/* For a directory in which only links count. expires is in seconds. */
static bool decide_by_link(const struct tree *tree, const struct keys *keys,
	const char *directory, unsigned expires, struct decision *decision)
{
	for (unsigned i = 0; i < keys->count; i++) {
		name_entry(decision, directory, keys->list[i]);
		switch (read_entry(tree, decision)) {
		case FOUND_LINK:
			if (!is_in_force(tree, expires, decision))
				break;
			if (decision->error == 0)
				open_entry_target(tree, decision);
			return true;
		case FOUND_FILE:
			ignore_entry(decision, "is no link");
			break;
		case FOUND_ERROR:
			return true;
		default:
			break;
		}
	}
	return false;
}

static bool decide_once(const struct tree *tree, const struct keys *keys,
	unsigned expires, struct decision *decision)
{
	decision->source = SOURCE_ONCE;
	tree_look_for_changes(tree, ONCE_DIR);
	return decide_by_link(tree, keys, ONCE_DIR "/", expires, decision);
}

/* found is 1, for link_text is that of the entry, or -errno. */
static void open_found(
	const struct tree *tree, int found, struct decision *decision)
{
	if (found > 0) {
		open_entry_target(tree, decision);
		return;
	}
	decision->link_text[0] = '\0';
	set_broken(decision, found);
}

static bool decide_grace_of(const struct tree *tree, const char *key,
	unsigned grace, struct decision *decision)
{
	const int found = grace_recent(
		tree, key, grace, decision->grace_path, decision->link_text);

	if (found == 0)
		return false;
	decision->source = SOURCE_GRACE;
	name_entry(decision, ONCE_DIR "/", key);
	open_found(tree, found, decision);
	return true;
}

static bool decide_grace(const struct tree *tree, const struct keys *keys,
	unsigned grace, struct decision *decision)
{
	for (unsigned i = 0; grace > 0 && i < keys->count; i++) {
		if (decide_grace_of(tree, keys->list[i], grace, decision))
			return true;
	}
	return false;
}

static bool decide_until(const struct tree *tree, const struct keys *keys,
	struct decision *decision)
{
	if (tree_lacks(tree, TREE_UNTIL))
		return false;
	decision->source = SOURCE_UNTIL;
	tree_look_for_changes(tree, UNTIL_DIR);
	return decide_by_link(tree, keys, UNTIL_DIR "/", 0, decision);
}

static bool decide_static(const struct tree *tree, const struct keys *keys,
	struct decision *decision)
{
	decision->source = SOURCE_STATIC;
	tree_look_for_changes(tree, STATIC_DIR);
	for (unsigned i = 0; i < keys->count; i++) {
		name_entry(decision, STATIC_DIR "/", keys->list[i]);
		if (open_entry(tree, decision))
			return true;
	}
	return false;
}

static bool decide_subnet(
	const struct tree *tree, const char *address, struct decision *decision)
{
	char name[SUBNET_NAME_SIZE];
	const int found = subnet_find(tree, address, name, decision->link_text);

	if (found == 0)
		return false;
	decision->source = SOURCE_SUBNET;
	name_entry(decision, SUBNET_DIR "/", name);
	open_found(tree, found, decision);
	return true;
}

static void decide_default(const struct tree *tree, struct decision *decision)
{
	decision->source = SOURCE_DEFAULT;
	strcpy(decision->entry, TREE_DEFAULT);
	decision->key[0] = '\0';

	/* "default" is usually a file: try that before reading a link. */
	decision->link_text[0] = '\0';
	if (target_open_default(tree, &decision->target) < 0 &&
		!open_entry(tree, decision))
		set_broken(decision, -ENOENT);
}

static void decide_broken_name(
	const struct keys_trouble *trouble, struct decision *decision)
{
	decision->source = SOURCE_NAMES;
	strcpy(decision->entry, trouble->entry);
	strcpy(decision->link_text, trouble->text);
	decision->key[0] = '\0';
	decision->error = trouble->error;
	decision->reason = trouble->reason;
	decision->words = trouble->words;
}

static void decide(const struct tree *tree, const struct identities *who,
	const struct once_limits *limits, struct decision *out)
{
	struct keys keys;
	struct keys_trouble trouble;

	out->error = 0;
	out->reason = REASON_NONE;
	out->ignored_count = 0;
	out->target.fd = -1;

	if (!keys_find(tree, who, &keys, &trouble)) {
		decide_broken_name(&trouble, out);
		return;
	}
	if (decide_once(tree, &keys, limits->expires, out) ||
		decide_grace(tree, &keys, limits->grace, out) ||
		decide_until(tree, &keys, out) ||
		decide_static(tree, &keys, out) ||
		decide_subnet(tree, who->address, out))
		return;
	decide_default(tree, out);
}

void decision_make(const struct tree *tree, const struct identities *who,
	const struct once_limits *limits, struct decision *out)
{
	decide(tree, who, limits, out);
	/* Another server has replaced a file that the kernel remembered. */
	if (out->error == ESTALE)
		decide(tree, who, limits, out);
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

int decision_claim(
	const struct tree *tree, struct decision *decision, struct claim *claim)
{
	char seen[PATH_MAX];

	strcpy(seen, decision->link_text);
	int err = claim_take(tree, decision->key, decision->link_text, claim);
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

void decision_close(const struct tree *tree, struct decision *decision)
{
	target_close(tree, &decision->target);
}
