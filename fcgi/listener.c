/* SPDX-License-Identifier: MIT */
/* The listening socket: descriptor 0, one from systemd, or one of our own. */
#include "fcgi/listener.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/number.h"
#include "fcgi/options.h"

#define BACKLOG 4096   /* the kernel cuts it to net.core.somaxconn */
#define FIRST_PASSED 3 /* sd_listen_fds(3) */

static bool is_listening(int fd)
{
	int listening = 0, type = 0;
	socklen_t size = sizeof listening;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) ==
	               0 &&
	       listening != 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_STREAM;
}

/* Implements sd_listen_fds(3). Returns -1 if no socket was passed to us. */
static int passed_by_systemd(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned number;

	if (pid == NULL || fds == NULL ||
		!number_parse(pid, 10, 1, INT_MAX, &number) ||
		number != (unsigned)getpid())
		return -1;
	if (!number_parse(fds, 10, 1, 1, &number))
		errx(EX_USAGE,
			"LISTEN_FDS is %s: exactly one socket can be served",
			fds);
	if (!is_listening(FIRST_PASSED))
		errx(EX_OSERR,
			"LISTEN_FDS is 1, but descriptor %d is not a listening stream socket",
			FIRST_PASSED);
	return FIRST_PASSED;
}

static int take_inherited(void)
{
	int fd = passed_by_systemd();
	if (fd < 0 && is_listening(STDIN_FILENO))
		fd = STDIN_FILENO;
	if (fd < 0)
		errx(EX_USAGE,
			"no socket to serve: pass one as file descriptor 0 or by systemd socket activation, or give -s PATH (-h shows help)");
	return fd;
}

/*
 * Locks the directory while a socket is created, so that two programs starting
 * at once don't take each other's socket for a stale one.
 */
static int lock_directory(const char *path)
{
	char copy[sizeof((struct sockaddr_un *)0)->sun_path];

	snprintf(copy, sizeof copy, "%s", path);
	const char *directory = dirname(copy);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(EX_OSERR, "%s", directory);
	if (flock(fd, LOCK_EX) < 0)
		err(EX_OSERR, "%s: lock", directory); /* no test: it fails */
	return fd;
}

/* Removes a socket that nobody serves; otherwise ends the program. */
static void remove_stale(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0) {
		if (errno == ENOENT)
			return;
		err(EX_OSERR, "%s", address->sun_path);
	}
	if (!S_ISSOCK(st.st_mode))
		errx(EX_OSERR, "%s: not a socket; it was left alone",
			address->sun_path);

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		err(EX_OSERR, "socket"); /* no test: socket fails */
	/* EAGAIN: the backlog is full, so somebody serves the socket. */
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) ==
			0 ||
		errno == EAGAIN)
		errx(EX_OSERR, "%s: another program serves this socket",
			address->sun_path);
	if (errno != ECONNREFUSED)
		err(EX_OSERR, "%s: cannot tell whether a program serves it",
			address->sun_path);
	close(fd);
	if (unlink(address->sun_path) < 0)
		err(EX_OSERR, "%s", address->sun_path);
}

static int bind_own(const struct options *options)
{
	const char *path = options->socket_path;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path)
		errx(EX_USAGE, "-s %s: a socket path must have 1 to %zu bytes",
			path, sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);

	int directory = lock_directory(path);
	remove_stale(&address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err(EX_OSERR, "socket"); /* no test: socket fails */
	/* Nobody may connect before owner and mode are set. */
	mode_t mask = umask(0777);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		err(EX_OSERR, "%s", path);
	umask(mask);
	if (chown(path, options->socket_user, options->socket_group) < 0 ||
		chmod(path, options->socket_mode) < 0 ||
		listen(fd, BACKLOG) < 0) {
		int error = errno;
		unlink(path);
		errno = error;
		err(EX_OSERR, "%s", path);
	}
	close(directory);
	return fd;
}

void listener_open(const struct options *options, struct listener *out)
{
	struct stat st = {0};

	*out = (struct listener){.path = options->socket_path};
	out->fd = out->path != NULL ? bind_own(options) : take_inherited();
	if (out->path != NULL && lstat(out->path, &st) < 0)
		err(EX_OSERR, "%s", out->path); /* no test: lstat fails */
	out->device = st.st_dev;
	out->inode = st.st_ino;
	/* Several may wait for a connection; only one gets it. */
	int flags = fcntl(out->fd, F_GETFL);
	if (flags < 0 || fcntl(out->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		err(EX_OSERR, "socket");
}

void listener_close(const struct listener *listener)
{
	struct stat st;

	/* Never shutdown(2): a successor may serve the same socket. */
	if (listener->path != NULL && lstat(listener->path, &st) == 0 &&
		st.st_dev == listener->device && st.st_ino == listener->inode)
		unlink(listener->path);
	/* Nothing is written: threads that were left behind may still read it.
	 */
	close(listener->fd);
}
