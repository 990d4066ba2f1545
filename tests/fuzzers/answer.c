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

/* One line, which GRUB may take for configuration. */
static void check_error(const char *text, size_t size)
{
	MUST(size > 0 && text[size - 1] == '\n');
	MUST(memcmp(text, "# ", 2) == 0 || strncmp(text, "Missing", 7) == 0);
	for (size_t i = 0; i < size - 1; i++)
		MUST((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

/* A whole CGI response (RFC 3875, section 6). */
static void check_response(char *text, size_t size, bool head)
{
	static const char field[] = "\r\nContent-Length: ";
	text[size] = '\0';
	char *end = strstr(text, "\r\n\r\n");

	MUST(end != NULL);
	check_head(text, (size_t)(end + 2 - text));
	const size_t body = size - (size_t)(end + 4 - text);
	end[2] = '\0';
	const char *length = strstr(text, field);
	if (head)
		MUST(body == 0);
	else if (length != NULL)
		MUST(strtoul(length + strlen(field), NULL, 10) == body);
	if (length == NULL)
		MUST(strstr(text, "\r\nX-") != NULL && body == 0);
	if (!head && strncmp(text, "Status: 200 ", 12) != 0)
		check_error(end + 4, body);
}

bool answer_read(int fd, unsigned id, bool head)
{
	static uint8_t bytes[ANSWER_MAX];
	static char text[ANSWER_MAX + 1];
	const size_t size = read_all(fd, bytes);
	size_t at = 0, text_size = 0;

	while (size - at >= FCGI_HEADER_LEN) {
		const uint8_t *record = bytes + at;
		const uint8_t *content = record + FCGI_HEADER_LEN;
		const size_t length = record[4] * 256u + record[5];
		at += FCGI_HEADER_LEN + length + record[6];
		if (at > size)
			return false;
		MUST(record[0] == 1 && record[2] * 256u + record[3] == id);
		if (record[1] == FCGI_END_REQUEST) {
			static const uint8_t complete[8];
			MUST(at == size && length == sizeof complete);
			MUST(memcmp(content, complete, 8) == 0);
			check_response(text, text_size, head);
			return true;
		}
		MUST(record[1] == FCGI_STDOUT);
		memcpy(text + text_size, content, length);
		text_size += length;
	}
	return false;
}
