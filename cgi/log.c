/* SPDX-License-Identifier: MIT */
/*
 * The log: a file, pipe, terminal or journal socket. Writing never waits; a
 * line that the log does not take at once is lost.
 */
#include "cgi/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * No O_NOFOLLOW: /dev/stdout is a link, and administrators put a link at
 * /var/log/pxesrv.log. Nobody else can make one there as long as the directory
 * belongs to root or to the responder's user.
 */
#define LOG_FLAGS (O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/*
 * O_NONBLOCK belongs to the open file, which standard error shares with others,
 * so a pipe or a terminal is opened again. A regular file never blocks, and
 * keeps its shared offset. Others, such as the journal's socket, may block.
 */
static int open_stderr_log(bool *may_block)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) < 0)
		return -1;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/2", LOG_FLAGS);
	*may_block = fd < 0 && !S_ISREG(st.st_mode);
	return fd < 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : fd;
}

/* *error gets the reason why the log could not be opened, or 0. */
static int open_log_file(const char *path, bool *may_block, int *error)
{
	*may_block = false;
	*error = 0;
	if (strcmp(path, "-") != 0) {
		int fd = open(path, LOG_FLAGS | O_CREAT, 0640);
		if (fd >= 0)
			return fd;
		*error = errno;
	}
	return open_stderr_log(may_block);
}

/*
 * A pipe with room takes a whole LOG_LINE_MAX: pipe(7). The mutex keeps other
 * threads from taking that room first.
 *
 * rare: only a pipe of another user can't be opened anew
 */
static void write_to_pipe(int fd, const char *line, size_t size)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct pollfd pipe = {.fd = fd, .events = POLLOUT};

	pthread_mutex_lock(&mutex);
	if (poll(&pipe, 1, 0) == 1) {
		ssize_t n = write(fd, line, size);
		(void)n;
	}
	pthread_mutex_unlock(&mutex);
}

void log_write(struct log *log, const char *line, size_t size)
{
	if (atomic_load(&log->may_block)) {
		if (send(log->fd, line, size, MSG_DONTWAIT | MSG_NOSIGNAL) <
				0 &&
			errno == ENOTSOCK)
			/* rare: see there */
			write_to_pipe(log->fd, line, size);
		return;
	}
	/* A failure can't be reported anywhere. */
	if (atomic_exchange(&log->is_cut, false) && write(log->fd, "\n", 1) < 0)
		atomic_store(&log->is_cut, true);
	const ssize_t n = write(log->fd, line, size);
	if (n > 0 && (size_t)n < size)
		atomic_store(&log->is_cut, true);
}

/* By log_write(): standard error must not block either. */
static void report_log_failure(struct log *log, const char *path, int error)
{
	char line[LOG_LINE_MAX];
	int n = snprintf(line, sizeof line,
		"pxesrv: cannot open the log %.3000s: %s; logging to standard error\n",
		path, strerror(error));

	log_write(log, line, (size_t)n);
}

/* Report once: each request with its own log opens the log again. */
static void report_first_failure(struct log *log, const char *path, int error)
{
	static atomic_flag warned = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&warned))
		report_log_failure(log, path, error);
}

/* The log is still standard error here. */
static void report_log_is_back(struct log *log, const char *path)
{
	char line[LOG_LINE_MAX];
	int n = snprintf(
		line, sizeof line, "pxesrv: logging to %.3000s again\n", path);

	log_write(log, line, (size_t)n);
}

void log_open(const char *path, struct log *out)
{
	bool may_block;
	int error;

	out->fd = open_log_file(path, &may_block, &error);
	out->has_failed = error != 0;
	atomic_init(&out->may_block, may_block);
	atomic_init(&out->is_cut, false);
	if (out->has_failed)
		report_first_failure(out, path, error);
}

void log_reopen(const char *path, struct log *log)
{
	bool may_block;
	int error;
	int fd = open_log_file(path, &may_block, &error);

	if (error == 0 && log->has_failed)
		report_log_is_back(log, path);
	if (fd >= 0) {
		/* Keep the descriptor number: other threads write to it. */
		if (dup3(fd, log->fd, O_CLOEXEC) >= 0)
			atomic_store(&log->may_block, may_block);
		close(fd);
	}
	log->has_failed = error != 0;
	if (log->has_failed)
		report_log_failure(log, path, error);
}

void log_close(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}
