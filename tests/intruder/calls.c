/* SPDX-License-Identifier: MIT */
/*
 * Attempts by system calls. Where a success could do harm, the arguments are
 * such that the kernel refuses them, by another error than the filter's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempts.h"

#define TREE "/srv/pxesrv/"
#define NOTHING "/nothing"
#define GET_KEYRING 0 /* KEYCTL_GET_KEYRING_ID */
#define PROCESS_KEYRING -2

/* New processes: the child ends at once. */
static int reap(long pid)
{
	if (pid < 0)
		return errno;
	if (pid == 0)
		syscall(SYS_exit_group, 0);
	waitpid((pid_t)pid, NULL, 0);
	return 0;
}

static int fork_by_libc(void)
{
	return reap(fork());
}

static int fork_by_clone(void)
{
	return reap(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int fork_by_clone3(void)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	return reap(syscall(SYS_clone3, &arguments, sizeof arguments));
}

#ifdef SYS_fork /* newer machines have only clone */
static int fork_by_fork(void)
{
	return reap(syscall(SYS_fork));
}
#endif

static char *const nobody[] = {NULL};
CALL(execute, execve(NOTHING, nobody, nobody))
CALL(execute_at, syscall(SYS_execveat, -1, NOTHING, nobody, nobody, 0))

/* Code of one's own */
static int map(int protection, int then)
{
	void *at = mmap(
		NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return errno;
	int error = attempt_result(mprotect(at, 4096, then));
	munmap(at, 4096);
	return error;
}

static int map_code(void)
{
	return map(PROT_READ | PROT_EXEC, PROT_READ);
}

static int data_to_code(void)
{
	return map(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
}

CALL(memory_file, syscall(SYS_memfd_create, "x", 0))

/* The network */
CALL(socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
CALL(socket_inet, socket(AF_INET, SOCK_STREAM, 0))
CALL(socket_pair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}))
CALL(connect_to, connect(-1, NULL, 0))
CALL(bind_to, bind(-1, NULL, 0))
CALL(listen_on, listen(-1, 1))

/* Others, and who one is */
CALL(kill_self, kill(getpid(), 0))
CALL(have_signals_sent, fcntl(STDERR_FILENO, F_SETOWN, getpid()))
CALL(kill_thread_of_another, syscall(SYS_tgkill, getppid(), getppid(), 0))
CALL(trace, ptrace(PTRACE_ATTACH, -1, NULL, NULL))
CALL(read_process, syscall(SYS_process_vm_readv, -1, NULL, 0, NULL, 0, 0))
CALL(open_process, syscall(SYS_pidfd_open, -1, 0))
CALL(set_user, syscall(SYS_setuid, getuid()))
CALL(set_group, syscall(SYS_setgid, getgid()))
CALL(set_groups, syscall(SYS_setgroups, 0, NULL))
CALL(set_capabilities, syscall(SYS_capset, NULL, NULL))
CALL(set_personality, personality(0xffffffff))
CALL(ask_prctl, prctl(PR_GET_DUMPABLE))
CALL(set_limit, setrlimit(RLIMIT_CORE, &(struct rlimit){0}))
CALL(key, syscall(SYS_keyctl, GET_KEYRING, PROCESS_KEYRING, 0))

/* Files, by calls that no answer needs */
CALL(make_link, symlink("/etc/passwd", TREE "once/127.0.0.67"))
CALL(make_fifo, mkfifo(TREE "once/fifo", 0644))
CALL(make_device, mknod(TREE "once/device", S_IFCHR | 0666, 0))
CALL(make_setuid, chmod(TREE "os/boot", 04755))
CALL(give_away, chown(TREE "os/boot", getuid(), getgid()))
CALL(cut, truncate(TREE "os/boot", 0))
CALL(cut_open, ftruncate(-1, 0))
CALL(push_input, ioctl(-1, TIOCSTI, "x"))
CALL(open_by_handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))
CALL(watch_files, syscall(SYS_inotify_init1, 0))

/* The system */
CALL(mount_something, mount(NOTHING, NOTHING, NOTHING, 0, NULL))
CALL(unmount, umount2(NOTHING, 0))
CALL(change_root, chroot(NOTHING))
CALL(leave_namespace, syscall(SYS_unshare, 0))
CALL(enter_namespace, syscall(SYS_setns, -1, 0))
CALL(io_uring, syscall(SYS_io_uring_setup, 0, NULL))
CALL(bpf, syscall(SYS_bpf, -1, NULL, 0))
CALL(page_faults, syscall(SYS_userfaultfd, 0))
CALL(counters, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
CALL(load_module, syscall(SYS_init_module, NULL, 0, NULL))
CALL(another_filter, syscall(SYS_seccomp, -1, 0, NULL))

const struct attempt attempts_by_calls[] = {
#ifdef SYS_fork
	ATTEMPT(fork_by_fork),
#endif
	ATTEMPT(fork_by_libc), ATTEMPT(fork_by_clone), ATTEMPT(fork_by_clone3),
	ATTEMPT(execute), ATTEMPT(execute_at), ATTEMPT(map_code),
	ATTEMPT(data_to_code), ATTEMPT(memory_file), ATTEMPT(socket_unix),
	ATTEMPT(socket_inet), ATTEMPT(socket_pair), ATTEMPT(connect_to),
	ATTEMPT(bind_to), ATTEMPT(listen_on), ATTEMPT(kill_self),
	ATTEMPT(have_signals_sent), ATTEMPT(kill_thread_of_another),
	ATTEMPT(trace), ATTEMPT(read_process), ATTEMPT(open_process),
	ATTEMPT(set_user), ATTEMPT(set_group), ATTEMPT(set_groups),
	ATTEMPT(set_capabilities), ATTEMPT(set_personality), ATTEMPT(ask_prctl),
	ATTEMPT(set_limit), ATTEMPT(key), ATTEMPT(make_link),
	ATTEMPT(make_fifo), ATTEMPT(make_device), ATTEMPT(make_setuid),
	ATTEMPT(give_away), ATTEMPT(cut), ATTEMPT(cut_open),
	ATTEMPT(push_input), ATTEMPT(open_by_handle), ATTEMPT(watch_files),
	ATTEMPT(mount_something), ATTEMPT(unmount), ATTEMPT(change_root),
	ATTEMPT(leave_namespace), ATTEMPT(enter_namespace), ATTEMPT(io_uring),
	ATTEMPT(bpf), ATTEMPT(page_faults), ATTEMPT(counters),
	ATTEMPT(load_module), ATTEMPT(another_filter), {NULL, NULL}};
