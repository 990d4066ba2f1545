/* SPDX-License-Identifier: MIT */
/*
 * pxesrvctl chown: gives once/, until/ and grub/ to the responder's user.
 *
 * Others can write to once/ while root runs this command. So everything is
 * opened without following links, then checked and changed by its descriptor.
 * Files keep their owner, since they may have another name elsewhere.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "boot/grub.h"
#include "boot/identity.h"
#include "boot/moment.h"
#include "boot/once.h"
#include "boot/reason.h"
#include "boot/text.h"
#include "boot/until.h"
#include "boot/user.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/print.h"

#define MADE_MODE 0755 /* mode of a directory that it creates */
#define GROUP_MODES (S_IRWXG | S_ISGID)
#define REMOVABLE_MODES (S_IRWXG | S_IRWXO | S_ISVTX)

#define LOCK_WAIT_MS 2000   /* as the responder waits */
#define LOCK_NAP_NS 5000000 /* between two tries */

struct owner {
	uid_t user;  /* NO_USER: unchanged */
	gid_t group; /* NO_GROUP: group and modes unchanged */
	bool json;   /* say what was changed in JSON */
};

#define NO_USER ((uid_t)-1)
#define NO_GROUP ((gid_t)-1)

/* Returns false. */
static bool warn_left_alone(const char *path, int error)
{
	char shown[PATH_MAX];

	escape_line(path, shown, sizeof shown);
	warnx("%s: left alone: %s", shown, reason_text(error));
	return false;
}

/* Says that path was made or changed, or that nothing was to be done. */
static void print_path(
	bool json, const char *path, const char *what, bool changed)
{
	char shown[PATH_MAX];

	escape_line(path, shown, sizeof shown);
	if (json)
		print_json(json_pack("{s:o,s:b}", "path", json_string_of(path),
			"changed", changed));
	else
		printf("%s: %s\n", shown, what);
}

static void print_changes(
	bool json, const char *path, const struct stat *before, int fd)
{
	char shown[PATH_MAX];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	const bool is_same = st.st_uid == before->st_uid &&
	                     st.st_gid == before->st_gid &&
	                     st.st_mode == before->st_mode;
	if (json || is_same) {
		print_path(json, path, "unchanged", !is_same);
		return;
	}
	escape_line(path, shown, sizeof shown);
	if (st.st_uid != before->st_uid || st.st_gid != before->st_gid)
		printf("%s: owner %u:%u, was %u:%u\n", shown, st.st_uid,
			st.st_gid, before->st_uid, before->st_gid);
	if (st.st_mode != before->st_mode)
		printf("%s: mode %04o, was %04o\n", shown,
			st.st_mode & ALLPERMS, before->st_mode & ALLPERMS);
}

/*
 * Gives an open directory away. With a new group, also adds and removes mode
 * bits. path is for messages.
 */
static bool give_open_directory(const struct owner *owner, int fd,
	const char *path, mode_t modes, mode_t removed)
{
	struct stat before;

	if (fstat(fd, &before) < 0 || fchown(fd, owner->user, owner->group) < 0)
		return warn_left_alone(path, errno);
	const mode_t mode = (before.st_mode & ALLPERMS & ~removed) | modes;
	const bool done = owner->group == NO_GROUP || fchmod(fd, mode) == 0;
	const int error = errno;
	print_changes(owner->json, path, &before, fd);
	return done || warn_left_alone(path, error);
}

/* Gives a directory in parent away, if it exists. */
static bool give_directory(const struct owner *owner, int parent,
	const char *name, const char *path, mode_t modes, mode_t removed)
{
	const int fd = openat(
		parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || warn_left_alone(path, errno);
	const bool done = give_open_directory(owner, fd, path, modes, removed);
	close(fd);
	return done;
}

/* Opens and locks the lock file. Returns a descriptor or -errno. */
static int open_locked_file(int once)
{
	const struct timespec nap = {.tv_nsec = LOCK_NAP_NS};
	const struct timespec now = moment_now();
	const struct timespec limit = moment_plus_ms(&now, LOCK_WAIT_MS);
	struct stat st;
	int err = 0;

	const int fd = openat(once, ".lock",
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == EISDIR ? -ENXIO : -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -ENXIO;
	while (err == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || moment_has_come(&limit))
			err = -errno;
		else
			nanosleep(&nap, NULL);
	}
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}

static int replace_lock_file(
	const struct owner *owner, int once, mode_t mode, gid_t group)
{
	if (unlinkat(once, ".lock", 0) < 0)
		return -errno;
	const int fd = openat(once, ".lock",
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	int err = 0;
	if (fchown(fd, owner->user,
		    owner->group == NO_GROUP ? group : owner->group) < 0)
		err = -errno;
	close(fd);
	return err;
}

/*
 * Hold the old lock meanwhile: a process that waits in once_lock() then sees
 * that the file is gone, and takes the new lock.
 */
static bool give_lock(
	const struct ctl *ctl, const struct owner *owner, int once)
{
	struct stat st, before;
	const int mode = once_part_mode(&ctl->tree, ONCE_LOCK);

	if (mode < 0)
		return warn_left_alone(ONCE_LOCK, -mode);
	if (fstatat(once, ".lock", &before, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || warn_left_alone(ONCE_LOCK, errno);
	if (before.st_mode == (S_IFREG | (mode_t)mode) &&
		before.st_uid == owner->user &&
		(owner->group == NO_GROUP || before.st_gid == owner->group)) {
		print_path(ctl->json, ONCE_LOCK, "unchanged", false);
		return true;
	}
	const int fd = open_locked_file(once);
	if (fd < 0)
		return warn_left_alone(ONCE_LOCK, -fd);
	const int err = fstat(once, &st) < 0 ? -errno
	                                     : replace_lock_file(owner, once,
						       (mode_t)mode, st.st_gid);
	close(fd);
	if (err < 0)
		return warn_left_alone(ONCE_LOCK, -err);
	print_path(ctl->json, ONCE_LOCK, "created again", true);
	return true;
}

/* Returns a descriptor, or -errno with a message. */
static int open_readable_directory(const struct ctl *ctl, const char *name)
{
	const int path = entry_open_directory(ctl, name);

	if (path < 0)
		return path;
	const int fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int error = errno;
	close(path);
	if (fd < 0)
		warn_left_alone(name, error);
	return fd < 0 ? -error : fd;
}

/* As open_readable_directory(), but creates a missing directory. */
static int open_or_make_directory(const struct ctl *ctl, const char *name)
{
	if (mkdirat(ctl->tree.root, name, MADE_MODE) == 0) {
		print_path(ctl->json, name, "made", true);
	} else if (errno != EEXIST) {
		const int err = -errno;
		warn_left_alone(name, -err);
		return err;
	}
	return open_readable_directory(ctl, name);
}

static bool give_once_part(const struct ctl *ctl, const struct owner *owner,
	int once, const char *path)
{
	if (strcmp(path, ONCE_LOCK) == 0)
		return give_lock(ctl, owner, once);
	const int mode = once_part_mode(&ctl->tree, path);
	if (mode < 0)
		return warn_left_alone(path, -mode);
	return give_directory(owner, once, path + strlen(ONCE_DIR "/"), path,
		(mode_t)mode, REMOVABLE_MODES & ~(mode_t)mode);
}

/* once/ first: afterwards its former owner can't change its contents. */
static bool give_once(const struct ctl *ctl, const struct owner *owner)
{
	const int once = open_or_make_directory(ctl, ONCE_DIR);

	if (once < 0)
		return false;
	const bool is_given = give_open_directory(
		owner, once, ONCE_DIR, GROUP_MODES | S_ISVTX, S_IRWXO);
	bool done = is_given;
	for (size_t i = 0; is_given && i < ONCE_PARTS; i++)
		done = give_once_part(ctl, owner, once, once_parts[i]) && done;
	close(once);
	return done;
}

/* until/ first, for the same reason. */
static bool give_until(const struct ctl *ctl, const struct owner *owner)
{
	const int until = open_or_make_directory(ctl, UNTIL_DIR);

	if (until < 0)
		return false;
	const bool done =
		give_open_directory(owner, until, UNTIL_DIR,
			GROUP_MODES | S_ISVTX, S_IRWXO) &&
		give_directory(owner, until, &DONE_DIR[strlen(UNTIL_DIR "/")],
			DONE_DIR, GROUP_MODES | S_ISVTX, S_IRWXO);
	close(until);
	return done;
}

/* Members of the group make entries here; the responder only reads. */
static bool give_to_group(
	const struct ctl *ctl, const struct owner *owner, const char *name)
{
	const struct owner people = {
		.user = NO_USER, .group = owner->group, .json = ctl->json};

	if (owner->group == NO_GROUP)
		return true;
	const int fd = open_or_make_directory(ctl, name);
	if (fd < 0)
		return false;
	const bool done =
		give_open_directory(&people, fd, name, GROUP_MODES, 0);
	close(fd);
	return done;
}

static bool give_grub_entry(
	const struct owner *owner, int grub, const char *name)
{
	char path[sizeof GRUB_DIR "/" + NAME_MAX];
	struct stat st;

	if (name[0] == '.')
		return true;
	snprintf(path, sizeof path, GRUB_DIR "/%s", name);
	if (fstatat(grub, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || warn_left_alone(path, errno);
	if (!S_ISDIR(st.st_mode))
		return true;
	return give_directory(owner, grub, name, path, GROUP_MODES, 0);
}

/* Gives away the directories in which /grub/clear/ removes files. */
static bool give_grub(const struct ctl *ctl, const struct owner *owner)
{
	const struct dirent *entry;
	struct stat st;
	bool done = true;

	if (fstatat(ctl->tree.root, GRUB_DIR, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || warn_left_alone(GRUB_DIR, errno);
	const int fd = open_readable_directory(ctl, GRUB_DIR);
	if (fd < 0)
		return false;
	DIR *directory = fdopendir(fd);
	if (directory == NULL)
		err(EX_OSERR, GRUB_DIR);
	while (errno = 0, (entry = readdir(directory)) != NULL)
		done = give_grub_entry(owner, fd, entry->d_name) && done;
	if (errno != 0)
		done = warn_left_alone(GRUB_DIR, errno);
	closedir(directory);
	return done;
}

/* Parses USER or USER:GROUP, each a name or a number. */
static void parse_owner(const char *text, struct owner *out)
{
	char user[256];
	const size_t length = strcspn(text, ":");

	*out = (struct owner){.group = NO_GROUP};
	if (length >= sizeof user)
		errx(EX_USAGE, "%s: no such user", text);
	memcpy(user, text, length);
	user[length] = '\0';
	if (!user_parse(user, &out->user))
		errx(EX_USAGE, "%s: no such user", user);
	if (text[length] == ':' && !group_parse(text + length + 1, &out->group))
		errx(EX_USAGE, "%s: no such group", text + length + 1);
}

bool cmd_chown(struct ctl *ctl, int count, char *const operands[])
{
	struct owner owner;

	(void)count;
	parse_owner(operands[0], &owner);
	owner.json = ctl->json;
	bool done = give_once(ctl, &owner);
	done = give_until(ctl, &owner) && done;
	done = give_to_group(ctl, &owner, STATIC_DIR) && done;
	done = give_to_group(ctl, &owner, NAMES_DIR) && done;
	return give_grub(ctl, &owner) && done;
}
