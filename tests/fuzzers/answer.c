/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <fastcgi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"

#define ANSWER_MAX 262144

static size_t read_all(int fd, uint8_t *out)
{
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, out + size, ANSWER_MAX - size, MSG_DONTWAIT)) > 0)
		size += (size_t)n;
	MUST(size < ANSWER_MAX);
	return size;
}

/* The head is lines of printable ASCII, the first one the Status. */
static void check_head(const char *head, size_t size)
{
	MUST(size > 12 && memcmp(head, "Status: ", 8) == 0);
	for (size_t i = 0; i < size; i++) {
		if (head[i] == '\r')
			MUST(i + 1 < size && head[++i] == '\n');
		else
			MUST(head[i] >= ' ' && head[i] < 0x7f);
	}
}

/* A whole CGI response (RFC 3875, section 6). */
static void check_response(char *text, size_t size)
{
	static const char field[] = "\r\nContent-Length: ";
	text[size] = '\0';
	char *end = strstr(text, "\r\n\r\n");

	MUST(end != NULL);
	check_head(text, (size_t)(end + 2 - text));
	const size_t body = size - (size_t)(end + 4 - text);
	end[2] = '\0';
	const char *length = strstr(text, field);
	/* To a HEAD there is no body. */
	if (length != NULL && body > 0)
		MUST(strtoul(length + strlen(field), NULL, 10) == body);
	if (length == NULL)
		MUST(strstr(text, "\r\nX-") != NULL && body == 0);
}

bool answer_read(int fd, unsigned id)
{
	static uint8_t bytes[ANSWER_MAX];
	static char text[ANSWER_MAX + 1];
	const size_t size = read_all(fd, bytes);
	size_t at = 0, text_size = 0;

	while (size - at >= FCGI_HEADER_LEN) {
		const uint8_t *head = bytes + at;
		const size_t length = head[4] * 256u + head[5];
		at += FCGI_HEADER_LEN + length + head[6];
		if (at > size)
			return false;
		MUST(head[0] == 1 && head[2] * 256u + head[3] == id);
		if (head[1] == FCGI_END_REQUEST) {
			static const uint8_t complete[8];
			MUST(at == size && length == sizeof complete);
			MUST(memcmp(head + FCGI_HEADER_LEN, complete, 8) == 0);
			check_response(text, text_size);
			return true;
		}
		MUST(head[1] == FCGI_STDOUT);
		memcpy(text + text_size, head + FCGI_HEADER_LEN, length);
		text_size += length;
	}
	return false;
}
