/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct ctl;
struct tree;

#define STATIC_DIR "static"

/*
 * Opens a directory of the tree to make and remove entries in it: an O_PATH
 * descriptor, or -errno, with a message. Root does not follow a link that
 * somebody else made: it could lead to any directory of the system.
 */
int entry_open_directory(const struct ctl *ctl, const char *name);

/*
 * The owner of a directory of the root. If that is a link, root's are followed,
 * and of any other the link's owner counts. 0 or -errno.
 */
int entry_directory_owner(
	const struct tree *tree, const char *name, uid_t *out);

#define ENTRY_CANCELLED_SIZE 96 /* bytes */

/* The path of the link that a user cancelled last for a client. */
void entry_cancelled_path(
	const char *client, uid_t user, char out[static ENTRY_CANCELLED_SIZE]);

enum entry_kind {
	ENTRY_ARMED,
	ENTRY_STATIC,
	ENTRY_UNSURE,
	ENTRY_SERVED,
	ENTRY_CANCELLED,
};
#define ENTRY_KINDS 5

/* Its directory, as it counts from the root. */
const char *entry_directory(enum entry_kind kind);

/* Whether the names there have a dot behind the client, and more. */
bool entry_has_suffix(enum entry_kind kind);

/*
 * As tree_each(), of the directory of a kind. Beneath once/ no link is
 * followed, nor what others have put in the place of a directory: see
 * once_part_check().
 */
int entry_each(const struct tree *tree, enum entry_kind kind,
	void (*found)(const char *name, void *context), void *context);

/* A client's entry, as it stands there now. */
struct entry {
	enum entry_kind kind;
	char client[NAME_MAX + 1]; /* the name, or its beginning */
	char path[PATH_MAX];       /* as it counts from the root */
	char text[PATH_MAX];       /* the link as written; empty: no link */
	time_t since; /* armed, claimed, served or cancelled; seconds */
	off_t size; /* bytes of the boot file; -1: there is none, or unasked */
	const char *problem; /* why it is not answered with a file; or NULL */
	const char *doubt; /* what there is to say against that file; or NULL */
};

/*
 * Looks at the entry with that name in the directory of its kind. False: it has
 * gone, or is none (its name begins with a dot, or with README). The boot files
 * of armed and static ones are asked for by the responder's own rules.
 */
bool entry_look(const struct tree *tree, enum entry_kind kind, const char *name,
	struct entry *out);
