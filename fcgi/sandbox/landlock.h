/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>

/* Landlock: see landlock(7). Its versions are those of its kernel interface. */

#define LANDLOCK_MOVES 2   /* the first with which links can be moved */
#define LANDLOCK_NETWORK 4 /* the first that knows of the network */

/* What may be done with what lies beneath a place. */
#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_REMOVE LANDLOCK_ACCESS_FS_REMOVE_FILE
#define RIGHTS_WRITE LANDLOCK_ACCESS_FS_WRITE_FILE
#define RIGHTS_LOG (RIGHTS_WRITE | LANDLOCK_ACCESS_FS_MAKE_REG)
/* Links and, when somebody puts one in a link's place, files are moved. */
#define RIGHTS_ONCE                                                         \
	(RIGHTS_READ | RIGHTS_LOG | RIGHTS_REMOVE |                         \
		LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_REFER)

/* Rules that are being made. */
struct landlock {
	int fd;
	uint64_t handled; /* rights that only a rule gives */
};

/* The version that the kernel has, or -errno when it has none. */
int landlock_version(void);

/* Begins rules: about files, if wanted, and about the network. 0 or -errno. */
int landlock_open(int version, bool files, struct landlock *out);

/*
 * Gives rights on what fd, maybe O_PATH, is, and on all beneath it; on a file
 * only those that a file can have. 0 or -errno: -EBADFD is a pipe or a socket,
 * which needs no rule.
 */
int landlock_allow(const struct landlock *landlock, int fd, uint64_t rights);

/* Holds the calling thread, and all that it starts, to the rules. 0 or -errno.
 * Ends the rules, as landlock_close() does. */
int landlock_enter(struct landlock *landlock);

void landlock_close(struct landlock *landlock);
