/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct ctl;
struct tree;

/*
 * Opens a directory of the tree to make and remove entries in it: an O_PATH
 * descriptor, or -errno, with a message. Root does not follow a link that
 * somebody else made: it could lead to any directory of the system.
 */
int entry_open_directory(const struct ctl *ctl, const char *name);

/*
 * Writes the owner of a directory in the root. If the directory is a link that
 * root made, what it leads to counts; any other link counts itself. 0 or
 * -errno.
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
	ENTRY_CLAIMED,
	ENTRY_SERVED,
	ENTRY_CANCELLED,
	ENTRY_KINDS, /* how many there are */
};

/* What is known of each kind. */
struct entry_place {
	const char *word;      /* for people: an operand of list */
	const char *directory; /* from the root */
	bool is_part;          /* the directory is a part of once/ */
	bool has_suffix;       /* of names: a dot and more, behind the client */
};

extern const struct entry_place entry_places[ENTRY_KINDS];

/*
 * As tree_each(), for the directory of a kind. In once/ it follows no link and
 * skips what is not the responder's own: once_part_check().
 */
int entry_each(const struct tree *tree, enum entry_kind kind,
	void (*found)(const char *name, void *context), void *context);

/* A client's entry. */
struct entry {
	enum entry_kind kind;
	char client[NAME_MAX + 1]; /* the name without a suffix */
	char path[PATH_MAX];       /* from the root */
	char link_text[PATH_MAX];  /* empty: it is no link */
	time_t since;        /* armed, claimed, served or cancelled; seconds */
	off_t size;          /* of the boot file; -1: unknown */
	const char *problem; /* why it gets no boot file, or NULL */
	const char *doubt;   /* why that file is unlikely to boot, or NULL */
};

/*
 * Reads the entry of that name in the directory of a kind. False: it is gone,
 * or not an entry (its name begins with a dot, or with README). The targets of
 * armed and static entries are opened as the responder does.
 */
bool entry_look(const struct tree *tree, enum entry_kind kind, const char *name,
	struct entry *out);
