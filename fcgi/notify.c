/* SPDX-License-Identifier: MIT */
/* Tells systemd that the responder is ready, or stops: sd_notify(3). */
#include "fcgi/notify.h"

#include <err.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>

int notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path == NULL)
		return -1;
	const size_t length = strlen(path);
	if ((path[0] != '/' && path[0] != '@') ||
		length >= sizeof address.sun_path)
		errx(EX_CONFIG, "NOTIFY_SOCKET=%s: not a valid value", path);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') /* an abstract name, not a file: unix(7) */
		address.sun_path[0] = '\0';

	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		connect(fd, (const struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    length)) < 0)
		err(EX_OSERR, "NOTIFY_SOCKET=%s", path);
	return fd;
}

void notify_send(int fd, const char *state)
{
	if (fd >= 0 && send(fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		warn("NOTIFY_SOCKET: %s", state);
}
