/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>

/* Landlock: see landlock(7). Versions are those of its kernel interface. */

#define LANDLOCK_MOVES 2   /* first version that lets links be moved */
#define LANDLOCK_NETWORK 4 /* first version that covers the network */

/* What may be done beneath a place. */
#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_REMOVE LANDLOCK_ACCESS_FS_REMOVE_FILE
#define RIGHTS_WRITE LANDLOCK_ACCESS_FS_WRITE_FILE
#define RIGHTS_LOG (RIGHTS_WRITE | LANDLOCK_ACCESS_FS_MAKE_REG)
/* Links are moved. */
#define RIGHTS_UNTIL                                                 \
	(RIGHTS_READ | RIGHTS_REMOVE | LANDLOCK_ACCESS_FS_MAKE_SYM | \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER)
/* So are files that somebody put in a link's place, and the lock is made. */
#define RIGHTS_ONCE (RIGHTS_UNTIL | RIGHTS_LOG)

struct landlock {
	int fd;
	uint64_t handled; /* rights that need a rule */
};

/* Returns the kernel's version, or -errno if it has no Landlock. */
int landlock_version(void);

/* Begins rules for the network and, if files is set, for files. 0 or -errno. */
int landlock_open(int version, bool files, struct landlock *out);

/*
 * Grants rights on fd (O_PATH is enough) and everything beneath it; on a file,
 * only those of files. Returns 0 or -errno; -EBADFD: a pipe or a socket, which
 * needs no rule.
 */
int landlock_allow(const struct landlock *landlock, int fd, uint64_t rights);

/*
 * Confines the calling thread, and all that it starts, to the rules. Ends the
 * rules as landlock_close() does. Returns 0 or -errno.
 */
int landlock_enter(struct landlock *landlock);

void landlock_close(struct landlock *landlock);
