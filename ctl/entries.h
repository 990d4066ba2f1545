/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct ctl;
struct tree;

/*
 * Opens a directory of the tree to make and remove entries in it. Makes until/,
 * names/ and subnet/ if they are missing, like once/ and static/. Returns an
 * O_PATH descriptor, or -errno with a message. Root does not follow somebody
 * else's link: it could lead to any directory of the system.
 */
int entry_open_directory(const struct ctl *ctl, const char *name);

/*
 * Writes the owner of a directory in the root. A link that root made counts as
 * its target; any other link as itself. Returns 0 or -errno.
 */
int entry_directory_owner(
	const struct tree *tree, const char *name, uid_t *out);

#define ENTRY_CANCELLED_SIZE 96 /* bytes */

/* Writes the path of the link that a user cancelled last for a client. */
void entry_cancelled_path(
	const char *client, uid_t user, char out[static ENTRY_CANCELLED_SIZE]);

enum entry_kind {
	ENTRY_ARMED,
	ENTRY_UNTIL,
	ENTRY_STATIC,
	ENTRY_SUBNET,
	ENTRY_NAME,
	ENTRY_CLAIMED,
	ENTRY_DONE,
	ENTRY_SERVED,
	ENTRY_CANCELLED,
	ENTRY_KINDS, /* number of kinds */
};

struct entry_place {
	const char *word;      /* for people: an operand of list */
	const char *directory; /* relative to the root */
	bool is_part;          /* directory is a part of once/ */
	bool has_suffix;       /* client, a dot and more */
};

extern const struct entry_place entry_places[ENTRY_KINDS];

/*
 * As tree_each(), for the directory of a kind. In once/, follows no link and
 * skips what once_part_check() refuses.
 */
int entry_each(const struct tree *tree, enum entry_kind kind,
	void (*found)(const char *name, void *context), void *context);

/* A client's entry. */
struct entry {
	enum entry_kind kind;
	char client[NAME_MAX + 1]; /* key: name without a suffix */
	char path[PATH_MAX];       /* relative to the root */
	char link_text[PATH_MAX];  /* empty: not a link */
	time_t since;        /* when armed, claimed, served or cancelled */
	off_t size;          /* bytes of the boot file; -1: unknown */
	bool is_expired;     /* by PXESRV_ONCE_EXPIRES */
	const char *problem; /* why there is no boot file, or NULL */
	const char *doubt;   /* why the file is unlikely to boot, or NULL */
};

/*
 * Reads the entry of this name in the directory of a kind. Opens the targets of
 * entries that can be served, as the responder does. False: it is gone, or not
 * an entry (its name begins with a dot or README).
 */
bool entry_look(const struct ctl *ctl, enum entry_kind kind, const char *name,
	struct entry *out);
