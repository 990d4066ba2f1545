/* SPDX-License-Identifier: MIT */
/*
 * Reads clients' entries in the directories of the tree, and opens these
 * directories without following untrusted links.
 */
#include "ctl/entries.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/identity.h"
#include "boot/subnet.h"
#include "boot/target.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/boot_file.h"
#include "ctl/ctl.h"

/* Opens the target of an open link. */
static int open_link_target(const struct tree *tree, int link)
{
	char text[PATH_MAX];

	const int err = tree_read_link_at(link, "", text);
	if (err < 0)
		return err;
	const int fd =
		openat(tree->root, text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * As entry_open_directory(), without messages. Opens first, then checks the
 * descriptor, so that nobody can swap the directory in between.
 */
static int open_trusted_directory(const struct tree *tree, const char *name)
{
	struct stat st;

	const int fd =
		openat(tree->root, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = fd;
	if (fstat(fd, &st) < 0)
		result = -errno;
	else if (S_ISLNK(st.st_mode))
		result = geteuid() == 0 && st.st_uid != 0
		                 ? -ELOOP
		                 : open_link_target(tree, fd);
	else if (!S_ISDIR(st.st_mode))
		result = -ENOTDIR;
	if (result != fd)
		close(fd);
	return result;
}

/*
 * Makes a missing directory with the owner, group and mode of one that has the
 * same kind of entries. False: it can't be made.
 */
static bool make_directory(
	const struct tree *tree, const char *name, const char *like)
{
	struct stat model = {
		.st_mode = 0755, .st_uid = geteuid(), .st_gid = getegid()};

	(void)!fstatat(tree->root, like, &model, 0);
	if (mkdirat(tree->root, name, 0700) < 0)
		return false;
	const int fd = openat(tree->root, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const bool is_made = fd >= 0 &&
	                     fchown(fd, model.st_uid, model.st_gid) == 0 &&
	                     fchmod(fd, model.st_mode & ALLPERMS) == 0;
	if (fd >= 0)
		close(fd);
	if (!is_made)
		unlinkat(tree->root, name, AT_REMOVEDIR);
	return is_made;
}

/* Trees from before these directories, and most others, don't have them. */
static bool is_new_directory(const char *name)
{
	return strcmp(name, UNTIL_DIR) == 0 || strcmp(name, NAMES_DIR) == 0 ||
	       strcmp(name, SUBNET_DIR) == 0;
}

static bool make_new_directory(const struct tree *tree, const char *name)
{
	return make_directory(tree, name,
		strcmp(name, UNTIL_DIR) == 0 ? ONCE_DIR : STATIC_DIR);
}

int entry_open_directory(const struct ctl *ctl, const char *name)
{
	int fd = open_trusted_directory(&ctl->tree, name);

	if (fd == -ENOENT && is_new_directory(name)) {
		if (ctl->dry_run)
			return fd;
		if (make_new_directory(&ctl->tree, name))
			fd = open_trusted_directory(&ctl->tree, name);
	}
	if (fd == -ELOOP)
		warnx("%s/%s: root does not follow this link, because root does not own it",
			ctl->root, name);
	else if (fd < 0)
		warnx("%s/%s: %s", ctl->root, name, strerror(-fd));
	return fd;
}

int entry_directory_owner(const struct tree *tree, const char *name, uid_t *out)
{
	struct stat st;

	if (fstatat(tree->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) && st.st_uid == 0 &&
		fstatat(tree->root, name, &st, 0) < 0)
		return -errno;
	*out = st.st_uid;
	return 0;
}

/*
 * The user is part of the name: everybody who may arm can write there, but
 * nobody can block another user, and all find their own links.
 */
void entry_cancelled_path(
	const char *client, uid_t user, char out[static ENTRY_CANCELLED_SIZE])
{
	snprintf(out, ENTRY_CANCELLED_SIZE, CANCELLED_DIR "/%s.%lu", client,
		(unsigned long)user);
}

const struct entry_place entry_places[ENTRY_KINDS] = {
	[ENTRY_ARMED] = {.word = "armed", .directory = ONCE_DIR},
	[ENTRY_UNTIL] = {.word = "until", .directory = UNTIL_DIR},
	[ENTRY_STATIC] = {.word = "static", .directory = STATIC_DIR},
	[ENTRY_SUBNET] = {.word = "subnet", .directory = SUBNET_DIR},
	[ENTRY_NAME] = {.word = "name", .directory = NAMES_DIR},
	[ENTRY_DONE] = {.word = "done", .directory = DONE_DIR},
	[ENTRY_CLAIMED] = {.word = "unsure",
		.directory = CLAIMED_DIR,
		.is_part = true,
		.has_suffix = true},
	[ENTRY_SERVED] = {.word = "served",
		.directory = SERVED_DIR,
		.is_part = true},
	[ENTRY_CANCELLED] = {.word = "cancelled",
		.directory = CANCELLED_DIR,
		.is_part = true,
		.has_suffix = true},
};

int entry_each(const struct tree *tree, enum entry_kind kind,
	void (*found)(const char *name, void *context), void *context)
{
	const struct entry_place *place = &entry_places[kind];
	const int err =
		place->is_part ? once_part_check(tree, place->directory) : 0;

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	return tree_each(tree, place->directory, found, context);
}

/*
 * The last result for each hash. Thousands of entries lead to the same few
 * files, and equal texts in one directory lead to one file.
 */
static struct remembered {
	enum entry_kind kind;
	char text[116]; /* "": unused */
	off_t size;
	const char *problem, *doubt;
} memory[4096];

static struct remembered *memory_slot(const char *text)
{
	return &memory[text_slot(text, sizeof memory / sizeof memory[0])];
}

static bool recall_target(struct entry *entry)
{
	const struct remembered *place = memory_slot(entry->link_text);

	if (entry->link_text[0] == '\0' || place->kind != entry->kind ||
		strcmp(place->text, entry->link_text) != 0)
		return false;
	entry->size = place->size;
	entry->problem = place->problem;
	entry->doubt = place->doubt;
	return true;
}

static void remember_target(const struct entry *entry)
{
	struct remembered *place = memory_slot(entry->link_text);

	if (strlen(entry->link_text) >= sizeof place->text)
		return;
	place->kind = entry->kind;
	strcpy(place->text, entry->link_text);
	place->size = entry->size;
	place->problem = entry->problem;
	place->doubt = entry->doubt;
}

/* Opens the entry's target for its size, or for why it can't be served. */
static void look_at_target(const struct tree *tree, struct entry *entry)
{
	struct target target;

	if (recall_target(entry))
		return;
	const int err = target_open(tree, entry->path,
		entry->link_text[0] == '\0' ? NULL : entry->link_text, &target);
	if (err < 0) {
		entry->problem = reason_text(-err);
	} else {
		entry->size = target.size;
		entry->doubt = boot_file_doubt(tree, target.fd);
		target_close(tree, &target);
	}
	remember_target(entry);
}

/* Reads a link's text; "" for anything else. False: the entry is gone. */
static bool read_entry_text(const struct tree *tree, struct entry *entry)
{
	const int err = tree_read_link(tree, entry->path, entry->link_text);

	if (err < 0)
		entry->link_text[0] = '\0';
	return err != -ENOENT;
}

/* Whether the responder takes links alone in the directory of a kind. */
static bool takes_links_alone(enum entry_kind kind)
{
	return kind == ENTRY_ARMED || kind == ENTRY_UNTIL;
}

static void look_at_entry(
	const struct ctl *ctl, const struct stat *st, struct entry *out)
{
	switch (out->kind) {
	case ENTRY_ARMED:
	case ENTRY_UNTIL:
	case ENTRY_STATIC:
	case ENTRY_SUBNET:
		if (takes_links_alone(out->kind) && !S_ISLNK(st->st_mode))
			out->problem = "not a link, so it is ignored";
		else
			look_at_target(&ctl->tree, out);
		out->is_expired =
			out->problem == NULL && out->kind == ENTRY_ARMED &&
			decision_has_expired(&st->st_mtim, ctl->once.expires);
		if (out->is_expired)
			out->problem = "expired, so it is ignored";
		break;
	case ENTRY_NAME:
		if (!identity_is_name(out->link_text))
			out->problem = "not a link to a machine's name";
		break;
	default:
		break;
	}
}

bool entry_look(const struct ctl *ctl, enum entry_kind kind, const char *name,
	struct entry *out)
{
	const struct tree *tree = &ctl->tree;
	struct stat st;

	/* The example tree has a README in each directory. */
	if (name[0] == '.' || strncmp(name, "README", 6) == 0)
		return false;
	out->kind = kind;
	out->size = -1;
	out->is_expired = false;
	out->problem = out->doubt = NULL;
	snprintf(out->client, sizeof out->client, "%s", name);
	snprintf(out->path, sizeof out->path, "%s/%s",
		entry_places[kind].directory, name);
	if (fstatat(tree->root, out->path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!read_entry_text(tree, out))
		return false;

	out->since = st.st_mtim.tv_sec;
	char *dot = entry_places[kind].has_suffix ? strrchr(out->client, '.')
	                                          : NULL;
	if (dot != NULL)
		*dot = '\0';
	look_at_entry(ctl, &st, out);
	return true;
}
