/* SPDX-License-Identifier: MIT */
/*
 * An intruder in the place of the responder, started by the responder's own
 * unit (by tests/packages/deb), which has nothing of the sandbox that the
 * responder builds for itself: so what is refused here is refused by systemd.
 * It writes "tried NAME ERRNO" to standard output, for each, and "tried all".
 * Where a success could do harm, the arguments are such that the kernel refuses
 * them by another error.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempts.h"

#define TREE "/srv/pxesrv/"
#define PAGE 4096

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int error = attempt_result(fd);
	if (fd >= 0)
		close(fd);
	return error;
}

#define OPEN(name, path, flags)               \
	static int name(void)                 \
	{                                     \
		return try_open(path, flags); \
	}

/* Files */
OPEN(read_shadow, "/etc/shadow", O_RDONLY)
OPEN(read_home, "/root", O_RDONLY | O_DIRECTORY)
OPEN(read_state, "/var/lib/dpkg", O_RDONLY | O_DIRECTORY)
OPEN(read_boot, "/boot", O_RDONLY | O_DIRECTORY)
OPEN(read_tmp_of_others, "/tmp/of-others", O_RDONLY)
OPEN(read_process_1, "/proc/1/status", O_RDONLY)
OPEN(read_memory_size, "/proc/meminfo", O_RDONLY)
OPEN(open_device, "/dev/of-others", O_RDONLY)
OPEN(write_etc, "/etc/intruder", O_WRONLY | O_CREAT)
OPEN(write_programs, "/usr/libexec/pxesrv/intruder", O_WRONLY | O_CREAT)
OPEN(write_run, "/run/intruder", O_WRONLY | O_CREAT)
OPEN(write_tree, TREE "intruder", O_WRONLY | O_CREAT)
OPEN(write_static, TREE "static/intruder", O_WRONLY | O_CREAT)
OPEN(write_default, TREE "default", O_WRONLY)
OPEN(write_settings, "/proc/sys/kernel/domainname", O_WRONLY)
CALL(make_device, mknod("/tmp/device", S_IFCHR | 0600, 0x103))
CALL(open_by_handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))

static int make_control_group(void)
{
	static const char *const paths[] = {
		"/sys/fs/cgroup/systemd/intruder", "/sys/fs/cgroup/intruder"};
	const char *path = paths[access("/sys/fs/cgroup/systemd", F_OK) < 0];
	int error = attempt_result(mkdir(path, 0700));
	rmdir(path);
	return error;
}

/* What makes others into oneself: with a file that is one's own. */
static int change_mode(mode_t mode)
{
	int fd = open("/tmp/mode", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	int error = attempt_result(fchmod(fd, mode));
	close(fd);
	return error;
}

static int make_setuid(void)
{
	return change_mode(S_ISUID | 0755);
}

static int make_setgid(void)
{
	return change_mode(S_ISGID | 0755);
}

/* Where libraries are read from, others may have given it a directory. */
OPEN(write_libraries, "/usr/lib/of-pxesrv/intruder", O_WRONLY | O_CREAT)

/* Programs: the exit status of the child is the errno. */
static int execute(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (pid == 0) {
		static char name[] = "true";
		char *const arguments[] = {name, NULL};
		execv(path, arguments);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int execute_program(void)
{
	return execute("/usr/bin/true");
}

static int execute_own_file(void)
{
	char bytes[PAGE];
	ssize_t count;
	int in = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
	int out = open("/tmp/program", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	if (in < 0 || out < 0)
		return errno;
	while ((count = read(in, bytes, sizeof bytes)) > 0)
		if (write(out, bytes, (size_t)count) != count)
			return errno;
	close(in);
	close(out);
	return execute("/tmp/program");
}

/* Code of one's own */
static int map(int fd, int protection, int flags)
{
	void *at = mmap(NULL, PAGE, protection, MAP_PRIVATE | flags, fd, 0);
	if (at == MAP_FAILED)
		return errno;
	munmap(at, PAGE);
	return 0;
}

static int map_writable_code(void)
{
	return map(-1, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_ANONYMOUS);
}

static int data_to_code(void)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return errno;
	int error = attempt_result(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
	munmap(at, PAGE);
	return error;
}

static int map_file_as_code(int fd)
{
	if (fd < 0)
		return errno;
	int error = ftruncate(fd, PAGE) < 0 ? errno
	                                    : map(fd, PROT_READ | PROT_EXEC, 0);
	close(fd);
	return error;
}

static int code_from_file(void)
{
	return map_file_as_code(
		open("/tmp/code", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int code_from_log_directory(void)
{
	return map_file_as_code(
		open("/var/log/pxesrv.log", O_RDWR | O_CLOEXEC));
}

static int code_from_memory_file(void)
{
	return map_file_as_code((int)syscall(SYS_memfd_create, "x", 0));
}

/* The network */
static int open_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	int error = attempt_result(fd);
	if (fd >= 0)
		close(fd);
	return error;
}

#define SOCKET(name, family, type)                \
	static int name(void)                     \
	{                                         \
		return open_socket(family, type); \
	}

SOCKET(socket_inet, AF_INET, SOCK_STREAM)
SOCKET(socket_inet6, AF_INET6, SOCK_DGRAM)
SOCKET(socket_netlink, AF_NETLINK, SOCK_RAW)
SOCKET(socket_packet, AF_PACKET, SOCK_RAW)

/* What listens on this machine, by a name (@: one without a file) */
static int connect_to(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int error = attempt_result(
		connect(fd, (const struct sockaddr *)&address, size));
	close(fd);
	return error;
}

static int connect_bus(void)
{
	return connect_to("/run/dbus/system_bus_socket");
}

static int connect_nameless(void)
{
	return connect_to("@of-others");
}

/* Others, and who one is */
CALL(signal_process_1, kill(1, 0))
CALL(trace, ptrace(PTRACE_ATTACH, -1, NULL, NULL))
CALL(read_process, syscall(SYS_process_vm_readv, -1, NULL, 0, NULL, 0, 0))
CALL(set_user, syscall(SYS_setuid, 0))
CALL(set_groups, syscall(SYS_setgroups, 0, NULL))
CALL(give_away, chown("/tmp/mode", 0, 0))
CALL(set_personality, personality(ADDR_NO_RANDOMIZE))
CALL(set_priority, setpriority(PRIO_PROCESS, 0, -5))
CALL(set_real_time, sched_setscheduler(0, SCHED_FIFO,
			    &(struct sched_param){.sched_priority = 1}))
CALL(lock_memory, mlock(NULL, PAGE))
CALL(key, syscall(SYS_keyctl, 0, -2, 1, 0))

/* The system */
CALL(mount_something, mount("tmpfs", "/mnt", "tmpfs", 0, NULL))
CALL(unmount, umount2("/nothing", 0))
CALL(change_root, chroot("/"))
CALL(new_user_namespace, syscall(SYS_unshare, CLONE_NEWUSER))
CALL(new_mount_namespace, syscall(SYS_unshare, CLONE_NEWNS))
CALL(enter_namespace, syscall(SYS_setns, -1, 0))
CALL(io_uring, syscall(SYS_io_uring_setup, 0, NULL))
CALL(aio, syscall(SYS_io_setup, 0, NULL))
CALL(bpf, syscall(SYS_bpf, -1, NULL, 0))
CALL(page_faults, syscall(SYS_userfaultfd, -1))
CALL(counters, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
CALL(load_module, syscall(SYS_init_module, NULL, 0, NULL))
CALL(set_host_name, syscall(SYS_sethostname, NULL, 1))
CALL(set_clock, syscall(SYS_clock_settime, -1, NULL))
CALL(swap, syscall(SYS_swapoff, "/nothing"))
CALL(restart_machine, syscall(SYS_reboot, 0, 0, 0, NULL))

/* What the responder must be able to do. */
OPEN(may_read_tree, TREE "default", O_RDONLY)
OPEN(may_make_lock, TREE "once/.lock", O_RDWR | O_CREAT)
OPEN(may_open_log, "/var/log/pxesrv.log", O_WRONLY | O_APPEND)

static const struct attempt attempts[] = {ATTEMPT(read_shadow),
	ATTEMPT(read_home), ATTEMPT(read_state), ATTEMPT(read_boot),
	ATTEMPT(read_tmp_of_others), ATTEMPT(read_process_1),
	ATTEMPT(read_memory_size), ATTEMPT(open_device), ATTEMPT(write_etc),
	ATTEMPT(write_programs), ATTEMPT(write_libraries), ATTEMPT(write_run),
	ATTEMPT(write_tree), ATTEMPT(write_static), ATTEMPT(write_default),
	ATTEMPT(make_control_group), ATTEMPT(write_settings),
	ATTEMPT(make_device), ATTEMPT(open_by_handle), ATTEMPT(make_setuid),
	ATTEMPT(make_setgid), ATTEMPT(execute_program),
	ATTEMPT(execute_own_file), ATTEMPT(map_writable_code),
	ATTEMPT(data_to_code), ATTEMPT(code_from_file),
	ATTEMPT(code_from_log_directory), ATTEMPT(code_from_memory_file),
	ATTEMPT(socket_inet), ATTEMPT(socket_inet6), ATTEMPT(socket_netlink),
	ATTEMPT(socket_packet), ATTEMPT(connect_bus), ATTEMPT(connect_nameless),
	ATTEMPT(signal_process_1), ATTEMPT(trace), ATTEMPT(read_process),
	ATTEMPT(set_groups), ATTEMPT(give_away), ATTEMPT(set_personality),
	ATTEMPT(set_priority), ATTEMPT(set_real_time), ATTEMPT(lock_memory),
	ATTEMPT(key), ATTEMPT(set_user), ATTEMPT(mount_something),
	ATTEMPT(unmount), ATTEMPT(change_root), ATTEMPT(enter_namespace),
	ATTEMPT(io_uring), ATTEMPT(aio), ATTEMPT(bpf), ATTEMPT(page_faults),
	ATTEMPT(counters), ATTEMPT(load_module), ATTEMPT(set_host_name),
	ATTEMPT(set_clock), ATTEMPT(swap), ATTEMPT(restart_machine),
	ATTEMPT(may_read_tree), ATTEMPT(may_make_lock), ATTEMPT(may_open_log),
	ATTEMPT(new_mount_namespace), ATTEMPT(new_user_namespace)};

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		printf("tried %s %d\n", attempts[i].name, attempts[i].run());
	puts("tried all");
}
