/* SPDX-License-Identifier: MIT */
/*
 * The least that a FastCGI responder can do, to show what the hop from the web
 * server costs: one thread, read(2), send(2) of fixed bytes, epoll_wait(2).
 * It takes whatever comes for one whole request that keeps its connection.
 *
 *     floor SOCKET
 */
#include <err.h>
#include <fastcgi.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixed.h"

#define EVENTS_MAX 64

struct answer {
	FCGI_Header head;
	char content[FIXED_SIZE];
	FCGI_EndRequestRecord end;
} __attribute__((packed));

static FCGI_Header header(unsigned char type, size_t length)
{
	return (FCGI_Header){
		.version = FCGI_VERSION_1,
		.type = type,
		.requestIdB0 = 1,
		.contentLengthB1 = (unsigned char)(length >> 8),
		.contentLengthB0 = (unsigned char)(length & 255),
	};
}

static int listen_at(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof name.sun_path)
		errx(64, "%s: too long", path);
	strcpy(name.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) < 0 ||
		listen(fd, 4096) < 0)
		err(71, "%s", path);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err(71, "epoll");
}

static void serve(int fd, const struct answer *answer)
{
	char request[16384];

	if (read(fd, request, sizeof request) <= 0 ||
		send(fd, answer, sizeof *answer, MSG_NOSIGNAL) !=
			(ssize_t)sizeof *answer)
		close(fd);
}

int main(int argc, char *argv[])
{
	static struct answer answer;

	if (argc != 2)
		errx(64, "usage: floor SOCKET");
	answer.head = header(FCGI_STDOUT, FIXED_SIZE);
	fixed_write(answer.content);
	answer.end.header = header(FCGI_END_REQUEST, sizeof answer.end.body);

	const int listener = listen_at(argv[1]);
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(epoll, listener);
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		const int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			const int fd = events[i].data.fd;
			if (fd == listener)
				watch(epoll, accept(listener, NULL, NULL));
			else
				serve(fd, &answer);
		}
	}
}
