/* SPDX-License-Identifier: MIT */
/*
 * The entries of clients in the directories of the tree, and what is wrong with
 * one.
 */
#include "ctl/entries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/target.h"
#include "boot/tree.h"
#include "ctl/boot_file.h"

const char *entry_directory(enum entry_kind kind)
{
	static const char *const directories[] = {
		[ENTRY_ARMED] = ONCE_DIR,
		[ENTRY_STATIC] = "static",
		[ENTRY_UNSURE] = CLAIMED_DIR,
		[ENTRY_SERVED] = SERVED_DIR,
		[ENTRY_CANCELLED] = CANCELLED_DIR,
	};

	return directories[kind];
}

bool entry_has_suffix(enum entry_kind kind)
{
	return kind == ENTRY_UNSURE || kind == ENTRY_CANCELLED;
}

int entry_each(const struct tree *tree, enum entry_kind kind,
	void (*found)(const char *name, void *context), void *context)
{
	const char *directory = entry_directory(kind);
	const bool is_part = kind != ENTRY_ARMED && kind != ENTRY_STATIC;
	const int err = is_part ? once_part_check(tree, directory) : 0;

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	return tree_each(tree, directory, found, context);
}

/*
 * What links of one directory mean, which is the same for the same text.
 * Thousands of entries lead to the same few files, so it is remembered: what
 * has come last, in each place that a text can be put to.
 */
static struct remembered {
	enum entry_kind kind;
	char text[116]; /* empty: nothing yet */
	off_t size;
	const char *problem, *doubt;
} memory[4096];

/* The FNV-1a hash. */
static struct remembered *place_of(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return &memory[hash % (sizeof memory / sizeof memory[0])];
}

static bool recall(struct entry *entry)
{
	const struct remembered *place = place_of(entry->text);

	if (entry->text[0] == '\0' || place->kind != entry->kind ||
		strcmp(place->text, entry->text) != 0)
		return false;
	entry->size = place->size;
	entry->problem = place->problem;
	entry->doubt = place->doubt;
	return true;
}

static void remember(const struct entry *entry)
{
	struct remembered *place = place_of(entry->text);

	if (strlen(entry->text) >= sizeof place->text)
		return;
	place->kind = entry->kind;
	strcpy(place->text, entry->text);
	place->size = entry->size;
	place->problem = entry->problem;
	place->doubt = entry->doubt;
}

/* Opens what the entry leads to: how large it is, or why it can't be served. */
static void ask_target(const struct tree *tree, struct entry *entry)
{
	struct target target;

	if (recall(entry))
		return;
	const int err = target_open(tree, entry->path,
		entry->text[0] == '\0' ? NULL : entry->text, &target);
	if (err < 0) {
		entry->problem = reason_text(-err);
	} else {
		entry->size = target.size;
		entry->doubt = boot_file_doubt(tree, target.fd);
		target_close(&target);
	}
	remember(entry);
}

/* The link's text, if it is one. False: it has gone. */
static bool read_text(const struct tree *tree, struct entry *entry)
{
	const ssize_t n = readlinkat(
		tree->root, entry->path, entry->text, sizeof entry->text - 1);

	entry->text[n < 0 ? 0 : n] = '\0';
	return n >= 0 || errno != ENOENT;
}

bool entry_look(const struct tree *tree, enum entry_kind kind, const char *name,
	struct entry *out)
{
	struct stat st;

	/* In the example tree each directory explains itself. */
	if (name[0] == '.' || strncmp(name, "README", 6) == 0)
		return false;
	out->kind = kind;
	out->size = -1;
	out->problem = out->doubt = NULL;
	snprintf(out->client, sizeof out->client, "%s", name);
	snprintf(out->path, sizeof out->path, "%s/%s", entry_directory(kind),
		name);
	if (fstatat(tree->root, out->path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!read_text(tree, out))
		return false;

	out->since = st.st_mtim.tv_sec;
	char *dot = entry_has_suffix(kind) ? strrchr(out->client, '.') : NULL;
	if (dot != NULL)
		*dot = '\0';
	if (kind == ENTRY_ARMED && !S_ISLNK(st.st_mode))
		out->problem = "no link, so it is ignored";
	else if (kind == ENTRY_ARMED || kind == ENTRY_STATIC)
		ask_target(tree, out);
	return true;
}
