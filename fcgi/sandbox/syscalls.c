/* SPDX-License-Identifier: MIT */
/* A seccomp filter: which system calls the responder may make. */
#include "fcgi/sandbox/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* From <linux/prctl.h>: names for anonymous memory, set by malloc(3). */
#define SET_VMA 0x53564d41
#define TCGETS_VALUE 0x5401

/*
 * Names, since a call may be newer than the library or missing on this machine.
 * Other libraries and machines use other spellings of a call.
 */
static const char *const allowed[] = {
	/* Files. Landlock decides which ones. */
	"open", "openat", "openat2", "close", "read", "readv", "pread64",
	"write", "writev", "lseek", "_llseek", "fstat", "fstat64", "stat",
	"stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx",
	"fstatfs", "fstatfs64", "name_to_handle_at", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "dup",
	"dup2", "dup3", "flock", "fadvise64", "fadvise64_64",
	"arm_fadvise64_64",

	/* Links are moved, never created: no symlink(2). */
	"rename", "renameat", "renameat2", "link", "linkat", "unlink",
	"unlinkat", "mkdir", "mkdirat", "utimensat", "utimensat_time64",

	/* Incoming connections; no socket can be created. */
	"accept", "accept4", "recv", "recvfrom", "send", "sendto", "shutdown",
	"getsockopt", "setsockopt", "getsockname", "getpeername", "epoll_ctl",
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
	"ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",

	/* Memory, running and ending threads, signals, time. */
	"brk", "munmap", "mremap", "madvise", "futex", "futex_time64",
	"set_robust_list", "rseq", "membarrier", "sched_yield",
	"sched_getaffinity", "getpid", "gettid", "getuid", "geteuid", "getgid",
	"getegid", "exit", "exit_group", "restart_syscall", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sigaltstack", "getrandom", "nanosleep",
	"clock_nanosleep", "clock_nanosleep_time64", "clock_gettime",
	"clock_gettime64", "clock_getres", "clock_getres_time64",
	"gettimeofday", "time", "getrlimit", "ugetrlimit"};

/* Calls that are harmless with some arguments only. */
static const struct {
	const char *name;
	struct scmp_arg_cmp argument;
} partly[] = {
	{"mmap", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{"mmap2", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{"mprotect", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{"prlimit64", {2, SCMP_CMP_EQ, 0, 0}}, /* only reads a limit */
	{"prctl", {0, SCMP_CMP_EQ, SET_VMA, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, TCGETS_VALUE, 0}}, /* isatty(3) */
};

/* Commands of fcntl(2), without those that signal other processes. */
static const int file_commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
	F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW};

/* A call that this machine lacks needs no rule. */
static int allow(scmp_filter_ctx filter, const char *name, unsigned count,
	const struct scmp_arg_cmp *argument)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return 0; /* rare: the library is older than the call */
	int err = seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, number, count, argument);
	return err == -EDOM ? 0 : err;
}

static int allow_command(scmp_filter_ctx filter, int command)
{
	const struct scmp_arg_cmp argument =
		SCMP_A1_64(SCMP_CMP_EQ, (scmp_datum_t)command, 0);
	int err = allow(filter, "fcntl", 1, &argument);

	return err == 0 ? allow(filter, "fcntl64", 1, &argument) : err;
}

static int allow_all(scmp_filter_ctx filter)
{
	/* abort(3) signals its own process. No other signal is allowed. */
	const struct scmp_arg_cmp self =
		SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	int err = allow(filter, "tgkill", 1, &self);

	for (size_t i = 0; err == 0 && i < sizeof allowed / sizeof *allowed;
		i++)
		err = allow(filter, allowed[i], 0, NULL);
	for (size_t i = 0; err == 0 && i < sizeof partly / sizeof *partly; i++)
		err = allow(filter, partly[i].name, 1, &partly[i].argument);
	for (size_t i = 0;
		err == 0 && i < sizeof file_commands / sizeof *file_commands;
		i++)
		err = allow_command(filter, file_commands[i]);
	return err;
}

/*
 * ENOSYS: a C library that tries a newer call first then tries the older one.
 * After EPERM it would not.
 */
int syscalls_confine(void)
{
	const uint32_t denied = SCMP_ACT_ERRNO(ENOSYS);
	scmp_filter_ctx filter = seccomp_init(denied);

	if (filter == NULL)
		return -ENOMEM; /* no test: no memory */
	/* Calls of another machine, such as i386 on x86-64. */
	int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, denied);
	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (err == 0)
		err = allow_all(filter);
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
