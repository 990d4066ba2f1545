/* SPDX-License-Identifier: MIT */
/*
 * The parts of once/ that are no machine's: the lock, and the directories that
 * links are moved to. A part must be the responder's own, or somebody else
 * could put a link in the place of another one. So each use checks it, and what
 * lies in its place is moved aside.
 */
#include "boot/once.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/tree.h"

#define TRIES_MAX 4  /* whoever undoes it more often does so on purpose */
#define PATH_SIZE 64 /* bytes, of a part that was moved aside */

const char *const once_parts[ONCE_PARTS] = {
	ONCE_LOCK, CLAIMED_DIR, SERVED_DIR, CANCELLED_DIR};

static void (*reporter)(const char *line, void *context);
static void *reporter_context;

void once_set_reporter(
	void (*report)(const char *line, void *context), void *context)
{
	reporter = report;
	reporter_context = context;
}

void once_report(const char *format, ...)
{
	char line[512];
	va_list args;

	if (reporter == NULL)
		return; /* no test: for pxesrvctl alone */
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	reporter(line, reporter_context);
}

int once_unique_suffix(char out[static ONCE_SUFFIX_SIZE])
{
	/* Each thread counts on from a number that nobody else has chosen. */
	static _Thread_local uint64_t next;
	static _Thread_local bool has_begun;

	if (!has_begun &&
		getrandom(&next, sizeof next, 0) != (ssize_t)sizeof next)
		return -EIO; /* rare: getrandom fails */
	has_begun = true;
	snprintf(out, ONCE_SUFFIX_SIZE, "%016" PRIx64, next++);
	return 0;
}

static bool is_lock_part(const char *path)
{
	return strcmp(path, ONCE_LOCK) == 0;
}

/* Whether only the owner of a sticky once/ may write there. */
static bool is_owners_part(const char *path)
{
	return strcmp(path, CLAIMED_DIR) == 0 || strcmp(path, SERVED_DIR) == 0;
}

static bool is_sticky(const struct stat *once)
{
	return (once->st_mode & S_ISVTX) != 0;
}

static int stat_once(const struct tree *tree, struct stat *out)
{
	return fstatat(tree->root, ONCE_DIR, out, 0) < 0 ? -errno : 0;
}

/*
 * The mode of a part follows that of once/: whoever may arm may also cancel and
 * claim. All programs run with umask(2) 0.
 */
static mode_t part_mode(const struct stat *once, const char *path)
{
	mode_t mode = S_IRWXU | (once->st_mode & (S_IRWXG | S_IRWXO));

	if (is_sticky(once))
		mode &= ~(mode_t)S_IRWXO;
	if (is_lock_part(path))
		return mode & ~(mode_t)(S_IXUSR | S_IXGRP | S_IXOTH);
	if (is_sticky(once))
		mode = is_owners_part(path) ? mode & ~(mode_t)S_IWGRP
		                            : mode | S_ISVTX;
	return mode;
}

/* no test: for pxesrvctl alone */
int once_part_mode(const struct tree *tree, const char *path)
{
	struct stat once;
	const int err = stat_once(tree, &once);

	return err < 0 ? err : (int)part_mode(&once, path);
}

/* 0, or -errno for a type that the part must not have. */
static int check_part_type(const char *path, mode_t mode)
{
	if (S_ISLNK(mode))
		return -ELOOP;
	if (is_lock_part(path))
		return S_ISREG(mode) ? 0 : S_ISDIR(mode) ? -EISDIR : -ENOTDIR;
	return S_ISDIR(mode) ? 0 : -ENOTDIR;
}

int once_part_judge(
	const struct tree *tree, const char *path, const struct stat *st)
{
	struct stat once;
	int err = check_part_type(path, st->st_mode);

	/* Each claim comes here: spare the system call where it is our own. */
	if (err < 0 || st->st_uid == getauxval(AT_EUID) || st->st_uid == 0 ||
		st->st_uid == geteuid())
		return err;
	err = stat_once(tree, &once);
	if (err < 0)
		return err; /* rare: once/ has gone */
	return is_sticky(&once) && once.st_uid != st->st_uid ? -EPERM : 0;
}

int once_part_check(const struct tree *tree, const char *path)
{
	struct stat st;

	if (fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return once_part_judge(tree, path, &st);
}

/* Whether this process may move what lies in the place of a part. */
static bool may_set_aside(const struct tree *tree)
{
	const uid_t user = geteuid();
	struct stat once;

	return stat_once(tree, &once) == 0 && is_sticky(&once) &&
	       (once.st_uid == user || user == 0);
}

/* Moves what lies in the place of a part, and reports where to. 0 or -errno. */
static int set_aside(const struct tree *tree, const char *path)
{
	char suffix[ONCE_SUFFIX_SIZE], aside[PATH_SIZE];
	struct stat st;
	int err = once_unique_suffix(suffix);

	if (err < 0)
		return err; /* no test: getrandom fails */
	snprintf(aside, sizeof aside, "%s" ONCE_ASIDE "%s", path, suffix);
	if (renameat(tree->root, path, tree->root, aside) < 0)
		return errno == ENOENT ? 0 : -errno; /* rare: moved twice */
	if (fstatat(tree->root, aside, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		once_part_judge(tree, path, &st) == 0) {
		/* rare: somebody else moved it, and this is the new part */
		if (renameat2(tree->root, aside, tree->root, path,
			    RENAME_NOREPLACE) == 0)
			return 0;
	}
	once_report("%s: not the responder's own, moved to %s", path, aside);
	return 0;
}

static int make_part(const struct tree *tree, const char *path)
{
	struct stat once;
	int err = stat_once(tree, &once);

	if (err < 0)
		return err;
	const mode_t mode = part_mode(&once, path);
	if (!is_lock_part(path))
		return mkdirat(tree->root, path, mode) < 0 ? -errno : 0;
	const int fd = openat(tree->root, path,
		O_RDONLY | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

bool once_part_is_other(int err)
{
	return err == -ELOOP || err == -EISDIR || err == -ENOTDIR ||
	       err == -EPERM;
}

int once_part_make(const struct tree *tree, const char *path)
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		int err = once_part_check(tree, path);
		if (once_part_is_other(err)) {
			if (!may_set_aside(tree))
				return err;
			err = set_aside(tree, path);
			if (err == 0)
				err = -ENOENT;
		}
		if (err == -ENOENT)
			err = make_part(tree, path);
		if (err != -EEXIST)
			return err;
	}
	return -EAGAIN; /* rare: somebody puts something there each time */
}

int once_part_check_or_replace(const struct tree *tree, const char *path)
{
	const int err = once_part_check(tree, path);

	return once_part_is_other(err) ? once_part_make(tree, path) : err;
}

int once_part_forecast(const struct tree *tree, const char *path)
{
	const int err = once_part_check(tree, path);
	struct stat once;

	if (err == -ENOENT)
		return 0;
	if (once_part_is_other(err) && stat_once(tree, &once) == 0 &&
		is_sticky(&once) && (once.st_uid != 0 || geteuid() == 0))
		return 0;
	return err;
}

/* Takes away rights that are left from a time when once/ was not sticky. */
static int restrict_part(const struct tree *tree, const char *path, mode_t mode)
{
	struct stat st;
	const int fd = openat(tree->root, path,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		/* no test: it may not be read */
		return errno == EACCES ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		err = -errno; /* no test: fstat fails */
	/* Not setgid: systemd's RestrictSUIDSGID= forbids that. */
	else if (st.st_uid == geteuid() &&
		 ((st.st_mode ^ mode) & (S_ISVTX | S_IWGRP | S_IWOTH)) != 0)
		err = fchmod(fd, mode) < 0 ? -errno : 1;
	close(fd);
	if (err == 1)
		once_report("%s: set to mode %04o, because once/ is sticky",
			path, (unsigned)mode);
	return err < 0 ? err : 0;
}

int once_parts_make(const struct tree *tree)
{
	struct stat once;
	int err = stat_once(tree, &once);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	for (size_t i = 0; err == 0 && i < ONCE_PARTS; i++) {
		err = once_part_make(tree, once_parts[i]);
		if (err == 0 && is_sticky(&once) &&
			!is_lock_part(once_parts[i]))
			err = restrict_part(tree, once_parts[i],
				part_mode(&once, once_parts[i]));
	}
	return err;
}

int once_part_others_may_write(const struct tree *tree, const char *path)
{
	struct stat st, once;
	const int err = stat_once(tree, &once);

	if (err < 0)
		return err == -ENOENT ? 0 : err; /* no test: for pxesrvctl */
	if (fstatat(tree->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno; /* no test: as above */
	return is_sticky(&once) && is_owners_part(path) &&
	       S_ISDIR(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}
