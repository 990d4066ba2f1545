/* SPDX-License-Identifier: MIT */
/*
 * Asks a web server by HTTP whether it answers. HEAD uses no link up, and what
 * keepalived asks in conf/keepalived/ is the same.
 */
#include "ctl/probe.h"

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#define WAIT_SECONDS 5 /* for a connection, and for an answer */

struct url {
	char host[256];
	char port[6];
	const char *authority; /* host and port as in the URL, then path */
	const char *path;
};

static bool parse_url(const char *text, struct url *out)
{
	int end = 0;

	strcpy(out->port, "80");
	sscanf(text, "http://[%255[0-9a-fA-F:.]]%n", out->host, &end);
	if (end == 0)
		sscanf(text, "http://%255[^][:/]%n", out->host, &end);
	if (end == 0)
		return false;
	out->authority = text + strlen("http://");
	text += end;
	end = 0;
	sscanf(text, ":%5[0-9]%n", out->port, &end);
	out->path = text + end;
	return *out->path == '/' && strpbrk(out->authority, " \r\n") == NULL &&
	       strtoul(out->port, NULL, 10) <= UINT16_MAX;
}

/* Returns a descriptor or -errno. */
static int connect_one(const struct addrinfo *to)
{
	const struct timeval wait = {.tv_sec = WAIT_SECONDS};
	const int fd = socket(
		to->ai_family, to->ai_socktype | SOCK_CLOEXEC, to->ai_protocol);

	if (fd < 0)
		return -errno; /* no test: a kernel without IPv6 */
	/* socket(7): these limit connect(2), too. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return fd;
	const int error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	return -error;
}

/* Returns a descriptor, or -1 with a message. */
static int connect_url(const char *text, const struct url *url)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all;
	int fd = -1;

	const int failed = getaddrinfo(url->host, url->port, &hints, &all);
	if (failed != 0) {
		warnx("%s: %s", text, gai_strerror(failed));
		return -1;
	}
	for (const struct addrinfo *to = all; to != NULL && fd < 0;
		to = to->ai_next)
		fd = connect_one(to);
	freeaddrinfo(all);
	if (fd < 0)
		warnx("%s: %s", text, strerror(-fd));
	return fd < 0 ? -1 : fd;
}

/* Returns the answer's status, or 0 if none comes. */
static int ask_status(int fd, const struct url *url)
{
	char request[1024], start[sizeof "HTTP/1.1 200"];

	const int size = snprintf(request, sizeof request,
		"HEAD %s HTTP/1.0\r\nHost: %.*s\r\nUser-Agent: pxesrvctl\r\n\r\n",
		url->path, (int)(url->path - url->authority), url->authority);
	if (size >= (int)sizeof request ||
		send(fd, request, (size_t)size, MSG_NOSIGNAL) != size ||
		recv(fd, start, sizeof start - 1, MSG_WAITALL) !=
			sizeof start - 1)
		return 0;
	start[sizeof start - 1] = '\0';
	if (strncmp(start, "HTTP/1.", 7) != 0 || start[8] != ' ')
		return 0;
	const long status = strtol(start + 9, NULL, 10);
	return status > 0 ? (int)status : 0;
}

/* PXESrv gives these to HEAD, or else 5xx. A 301 is somebody else's. */
static bool is_answer(int status)
{
	return status == 200 || status == 403 || status == 404;
}

bool probe_answers(const char *text)
{
	struct url url;

	if (!parse_url(text, &url))
		errx(EX_USAGE, "--probe %s: not http://HOST[:PORT]/PATH", text);
	const int fd = connect_url(text, &url);
	if (fd < 0)
		return false;
	const int status = ask_status(fd, &url);
	close(fd);
	if (status == 0)
		warnx("%s: no answer", text);
	else if (!is_answer(status))
		warnx("%s: answered with %d", text, status);
	return is_answer(status);
}
