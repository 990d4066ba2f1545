/* SPDX-License-Identifier: MIT */
/*
 * Attempts on files. The test has made what they are about, of the responder's
 * own user; each has its victim to itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempts.h"

#define TREE "/srv/pxesrv/"
#define OUTSIDE "/run/servers/outside/"
#define ALLOWED "/run/servers/allowed/"
#define LOGS "/var/log/"

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0644);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

#define OPEN(name, path, flags)               \
	static int name(void)                 \
	{                                     \
		return try_open(path, flags); \
	}

OPEN(read_passwd, "/etc/passwd", O_RDONLY)
OPEN(list_system, "/", O_RDONLY | O_DIRECTORY)
OPEN(open_device, "/dev/null", O_WRONLY)
OPEN(write_own_memory, "/proc/self/mem", O_RDWR)
OPEN(read_outside, OUTSIDE "file", O_RDONLY)
OPEN(list_outside, OUTSIDE, O_RDONLY | O_DIRECTORY)
OPEN(write_outside, OUTSIDE "file", O_WRONLY)
OPEN(create_outside, OUTSIDE "new", O_WRONLY | O_CREAT)
CALL(remove_outside, unlink(OUTSIDE "victim"))
CALL(mkdir_outside, mkdir(OUTSIDE "directory", 0755))
OPEN(write_allowed, ALLOWED "file", O_WRONLY)
OPEN(read_another_log, LOGS "other.log", O_RDONLY)

OPEN(create_in_tree, TREE "new", O_WRONLY | O_CREAT)
OPEN(create_in_static, TREE "static/new", O_WRONLY | O_CREAT)
OPEN(create_in_grub, TREE "grub/new", O_WRONLY | O_CREAT)
OPEN(write_boot_file, TREE "default", O_WRONLY)
OPEN(truncate_boot_file, TREE "os/cut", O_WRONLY | O_TRUNC)
OPEN(truncate_in_once, TREE "once/cut", O_WRONLY | O_TRUNC)
CALL(mkdir_in_tree, mkdir(TREE "directory", 0755))
CALL(rmdir_in_tree, unlinkat(AT_FDCWD, TREE "os/empty", AT_REMOVEDIR))
CALL(rmdir_in_once, unlinkat(AT_FDCWD, TREE "once/empty", AT_REMOVEDIR))
CALL(remove_boot_file, unlink(TREE "os/victim"))
CALL(rename_in_static, rename(TREE "static/a", TREE "static/b"))
CALL(rename_into_once, rename(TREE "os/moved", TREE "once/moved"))
CALL(rename_out_of_once, rename(TREE "once/out", TREE "static/out"))
CALL(link_into_once, link(TREE "os/boot", TREE "once/hard"))

/* What it must be able to do. */
OPEN(may_read_tree, TREE "os/boot", O_RDONLY)
OPEN(may_list_claims, TREE "once/.claimed", O_RDONLY | O_DIRECTORY)
OPEN(may_read_allowed, ALLOWED "file", O_RDONLY)
OPEN(may_make_lock, TREE "once/.lock2", O_RDWR | O_CREAT)
OPEN(may_open_log, LOGS "pxesrv.log", O_WRONLY | O_APPEND)
OPEN(may_make_log, LOGS "new.log", O_WRONLY | O_APPEND | O_CREAT)
CALL(may_claim, rename(TREE "once/link", TREE "once/.claimed/link"))
CALL(may_put_back, renameat2(AT_FDCWD, TREE "once/.claimed/link", AT_FDCWD,
			   TREE "once/link", RENAME_NOREPLACE))
CALL(may_put_back_on_nfs, link(TREE "once/.claimed/other", TREE "once/other"))
CALL(may_unlink_claim, unlink(TREE "once/.claimed/other"))
CALL(may_make_directory, mkdir(TREE "once/.served2", 0777))
CALL(may_stamp,
	utimensat(AT_FDCWD, TREE "once/link", NULL, AT_SYMLINK_NOFOLLOW))
CALL(may_clear_grub, unlink(TREE "grub/1/grub.cfg-7F000001"))
CALL(may_clear_by_link, unlink(TREE "os/grub/grub.cfg-7F000001"))

static int may_reopen(void)
{
	char path[64];
	int fd = open(TREE "os/boot", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int error = try_open(path, O_RDONLY);
	close(fd);
	return error;
}

/* Whether once/ is the directory of the start. */
static int may_compare(void)
{
	union {
		struct file_handle head;
		unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	return name_to_handle_at(AT_FDCWD, TREE "once", &handle.head, &mount,
		       AT_SYMLINK_FOLLOW) < 0
	               ? errno
	               : 0;
}

const struct attempt attempts_on_files[] = {ATTEMPT(read_passwd),
	ATTEMPT(list_system), ATTEMPT(open_device), ATTEMPT(write_own_memory),
	ATTEMPT(read_outside), ATTEMPT(list_outside), ATTEMPT(write_outside),
	ATTEMPT(create_outside), ATTEMPT(remove_outside),
	ATTEMPT(mkdir_outside), ATTEMPT(write_allowed),
	ATTEMPT(read_another_log), ATTEMPT(create_in_tree),
	ATTEMPT(create_in_static), ATTEMPT(create_in_grub),
	ATTEMPT(write_boot_file), ATTEMPT(truncate_boot_file),
	ATTEMPT(truncate_in_once), ATTEMPT(mkdir_in_tree),
	ATTEMPT(rmdir_in_tree), ATTEMPT(rmdir_in_once),
	ATTEMPT(remove_boot_file), ATTEMPT(rename_in_static),
	ATTEMPT(rename_into_once), ATTEMPT(rename_out_of_once),
	ATTEMPT(link_into_once), ATTEMPT(may_read_tree),
	ATTEMPT(may_list_claims), ATTEMPT(may_read_allowed),
	ATTEMPT(may_make_lock), ATTEMPT(may_open_log), ATTEMPT(may_make_log),
	ATTEMPT(may_claim), ATTEMPT(may_put_back), ATTEMPT(may_put_back_on_nfs),
	ATTEMPT(may_unlink_claim), ATTEMPT(may_make_directory),
	ATTEMPT(may_stamp), ATTEMPT(may_clear_grub), ATTEMPT(may_clear_by_link),
	ATTEMPT(may_reopen), ATTEMPT(may_compare), {NULL, NULL}};
