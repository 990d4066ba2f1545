/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct stat;
struct tree;

/*
 * The parts of once/: the lock, and the directories that links are moved to.
 * The responder owns them. In a sticky once/, only its owner and root can
 * replace a part; otherwise everybody with write permission on once/ can.
 */

#define ONCE_DIR "once"
#define CLAIMED_DIR ONCE_DIR "/.claimed"     /* the owner of once/ writes */
#define SERVED_DIR ONCE_DIR "/.served"       /* the owner of once/ writes */
#define CANCELLED_DIR ONCE_DIR "/.cancelled" /* all who may arm write */
#define ONCE_LOCK ONCE_DIR "/.lock"          /* all who may arm write */

#define ONCE_PARTS 4
extern const char *const once_parts[ONCE_PARTS];

/* Goes between a moved-aside part's name and a unique suffix. */
#define ONCE_ASIDE ".aside-"

#define ONCE_SUFFIX_SIZE 17 /* bytes: 16 hexadecimal digits and a NUL */

/* Makes a suffix that no name in once/ has had. Returns 0 or -errno. */
int once_unique_suffix(char out[static ONCE_SUFFIX_SIZE]);

/*
 * Sets the receiver of messages about once/ that belong to no request, one line
 * each. Without a receiver they are dropped. Call it before starting threads.
 */
void once_set_reporter(
	void (*report)(const char *line, void *context), void *context);

__attribute__((format(printf, 1, 2))) void once_report(const char *format, ...);

/*
 * Checks that a part is what it should be; use paths through it only then.
 * Follows no link. Returns 0; -ENOENT; -ELOOP, -EISDIR or -ENOTDIR for a wrong
 * type, such as a link; -EPERM if once/ is sticky and the part's owner could
 * replace what is in it; or another -errno.
 */
int once_part_check(const struct tree *tree, const char *path);

/* Whether err of once_part_check() means that something else is there. */
bool once_part_is_other(int err);

/* As once_part_check(), given the result of fstat(2) or fstatat(2). */
int once_part_judge(
	const struct tree *tree, const char *path, const struct stat *st);

/* Returns the mode that a part should have by that of once/, or -errno. */
int once_part_mode(const struct tree *tree, const char *path);

/*
 * Checks a directory before it is read. Replaces anything else in its place as
 * once_part_make() does. -ENOENT if it is missing; else as once_part_check().
 */
int once_part_check_or_replace(const struct tree *tree, const char *path);

/*
 * Makes a part that is missing. Moves aside anything else in its place, if this
 * process may (it owns a sticky once/), and reports the new path. Returns 0; an
 * error of once_part_check() if it may not; or another -errno.
 */
int once_part_make(const struct tree *tree, const char *path);

/*
 * Predicts what once_part_make() returns to the responder, which owns a sticky
 * once/ unless root does. Changes nothing.
 */
int once_part_forecast(const struct tree *tree, const char *path);

/*
 * Makes all parts, if once/ exists, so that a claim needs no new file on a full
 * disk. In a sticky once/, takes write permission from group and others where
 * only the owner may write. Returns 0 or -errno. The caller holds the lock.
 */
int once_parts_make(const struct tree *tree);

/*
 * Whether users other than the owner of a sticky once/ may write to a part that
 * only the owner may write to. Returns 1, 0 or -errno.
 */
int once_part_others_may_write(const struct tree *tree, const char *path);
