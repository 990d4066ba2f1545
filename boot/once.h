/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct stat;
struct tree;

/*
 * The parts of once/: the lock, and the directories that links are moved to.
 * They are the responder's own. In a sticky once/ only its owner and root can
 * replace them. In another one, everybody who may write to once/ can.
 */

#define ONCE_DIR "once"
#define CLAIMED_DIR ONCE_DIR "/.claimed"     /* the owner of once/ writes */
#define SERVED_DIR ONCE_DIR "/.served"       /* the owner of once/ writes */
#define CANCELLED_DIR ONCE_DIR "/.cancelled" /* all who may arm write */
#define ONCE_LOCK ONCE_DIR "/.lock"          /* all who may arm write */

#define ONCE_PARTS 4
extern const char *const once_parts[ONCE_PARTS];

/* Appended to the name of what was moved aside; a unique suffix follows. */
#define ONCE_ASIDE ".aside-"

#define ONCE_SUFFIX_SIZE 17 /* bytes: 64 bits in hexadecimal, and a NUL */

/* Makes a suffix for a name that no machine has used in once/. 0 or -errno. */
int once_unique_suffix(char out[static ONCE_SUFFIX_SIZE]);

/*
 * Sets who gets the messages about once/ that belong to no request, a line
 * each. Before that they are dropped. Call it before there are threads.
 */
void once_set_reporter(
	void (*report)(const char *line, void *context), void *context);

/* Sends a message to the reporter, formatted as by printf(3). */
__attribute__((format(printf, 1, 2))) void once_report(const char *format, ...);

/*
 * Whether a part is what it should be. Only then use paths through it. No link
 * is followed. 0; -ENOENT; -ELOOP, -EISDIR or -ENOTDIR when it is something
 * else, such as a link; -EPERM when once/ is sticky and the part belongs to
 * somebody who could replace what lies in it; or another -errno.
 */
int once_part_check(const struct tree *tree, const char *path);

/* Whether that error means that something else lies in the part's place. */
bool once_part_is_other(int err);

/* As once_part_check(), with the result of fstat(2) or fstatat(2). */
int once_part_judge(
	const struct tree *tree, const char *path, const struct stat *st);

/* The mode that a part should have, by that of once/; or -errno. */
int once_part_mode(const struct tree *tree, const char *path);

/*
 * Checks a directory before it is read. Where something else lies in its place,
 * moves that aside and makes the directory, as once_part_make() does. One that
 * is not there is not made: -ENOENT. Otherwise as once_part_check().
 */
int once_part_check_or_replace(const struct tree *tree, const char *path);

/*
 * Makes a part that is not there. Moves aside what lies there instead, if
 * this process may (in a sticky once/ of its own), and once_report() says
 * where to. 0; an error of once_part_check(), when it may not; or another
 * -errno.
 */
int once_part_make(const struct tree *tree, const char *path);

/*
 * What once_part_make() would return if the responder called it. The responder
 * owns a sticky once/, unless root does. Nothing is moved or made.
 */
int once_part_forecast(const struct tree *tree, const char *path);

/*
 * Makes all parts, if once/ is there, so that a claim needs to make nothing on
 * a disk that has filled up since. If once/ is sticky, takes the write
 * permission of group and others from the directories that are for its owner
 * alone. 0 or -errno. Call it under the lock: once_parts_make_locked().
 */
int once_parts_make(const struct tree *tree);

/*
 * Whether others than the owner of once/, which is sticky, may write to a
 * directory that is for the owner alone. 1, 0 or -errno.
 */
int once_part_others_may_write(const struct tree *tree, const char *path);
