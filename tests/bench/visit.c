/* SPDX-License-Identifier: MIT */
#include "visit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_CLIENT 0x7f010000u /* 127.1.0.0 */
/* What is left of a body is not looked at, and not even copied: tcp(7). */
#define BODY_PIECE (1 << 20)

static struct sockaddr_in name_of(uint32_t address, unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(address),
		.sin_port = htons((uint16_t)port),
	};
}

bool visit_connect(
	struct visit *visit, const struct visited *where, unsigned client)
{
	const int one = 1;
	struct sockaddr_in to = name_of(0, where->port);
	struct sockaddr_in from = name_of(
		client == 0 ? INADDR_LOOPBACK : FIRST_CLIENT + client, 0);

	inet_pton(AF_INET, where->address, &to.sin_addr);
	visit->fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (visit->fd < 0)
		return false;
	setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	/* The port is chosen when both ends are known: there are enough. */
	setsockopt(visit->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		sizeof one);
	if (bind(visit->fd, (struct sockaddr *)&from, sizeof from) == 0 &&
		(connect(visit->fd, (struct sockaddr *)&to, sizeof to) == 0 ||
			errno == EINPROGRESS))
		return true;
	visit_close(visit);
	return false;
}

bool visit_ask(struct visit *visit, const struct visited *where)
{
	const size_t size = strlen(where->request);

	visit->head_size = 0;
	visit->left = -1;
	return send(visit->fd, where->request, size, MSG_NOSIGNAL) ==
	       (ssize_t)size;
}

/* Reads the head, if it is whole. */
static enum visit_state read_head(
	struct visit *visit, const struct visited *where)
{
	const char *end = strstr(visit->head, "\r\n\r\n");
	if (end == NULL)
		return visit->head_size < sizeof visit->head - 1 ? VISIT_WAITS
		                                                 : VISIT_FAILED;

	const char *length = strcasestr(visit->head, "\r\nContent-Length:");
	if (strncmp(visit->head, "HTTP/1.1 200 ", 13) != 0 || length == NULL ||
		length > end)
		return VISIT_FAILED;
	visit->body = strtoll(length + strlen("\r\nContent-Length:"), NULL, 10);
	visit->is_last =
		strcasestr(visit->head, "\r\nConnection: close") != NULL;
	const size_t got = visit->head_size - (size_t)(end + 4 - visit->head);
	visit->left = where->head_only ? 0 : visit->body - (long long)got;
	return visit->left > 0    ? VISIT_WAITS
	       : visit->left == 0 ? VISIT_DONE
	                          : VISIT_FAILED;
}

enum visit_state visit_read(struct visit *visit, const struct visited *where)
{
	enum visit_state state = VISIT_WAITS;

	while (state == VISIT_WAITS) {
		const bool in_head = visit->left < 0;
		const size_t room = sizeof visit->head - 1 - visit->head_size;
		const ssize_t n =
			in_head ? recv(visit->fd,
					  visit->head + visit->head_size, room,
					  0)
				: recv(visit->fd, NULL, BODY_PIECE, MSG_TRUNC);

		if (n < 0 && errno == EAGAIN)
			return VISIT_WAITS;
		if (n <= 0)
			return VISIT_FAILED;
		if (in_head) {
			visit->head_size += (size_t)n;
			visit->head[visit->head_size] = '\0';
			state = read_head(visit, where);
		} else {
			visit->left -= n;
			state = visit->left > 0    ? VISIT_WAITS
			        : visit->left == 0 ? VISIT_DONE
			                           : VISIT_FAILED;
		}
	}
	return state;
}

void visit_close(struct visit *visit)
{
	close(visit->fd);
	visit->fd = -1;
}
