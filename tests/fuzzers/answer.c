/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <fastcgi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"

#define ANSWER_MAX 262144

static uint8_t bytes[ANSWER_MAX];
static size_t bytes_size;

void answer_forget(void)
{
	bytes_size = 0;
}

size_t answer_take(int fd, size_t most)
{
	const size_t before = bytes_size;
	ssize_t n = 1;

	while (n > 0 && bytes_size - before < most) {
		size_t room = sizeof bytes - bytes_size;
		if (room > most - (bytes_size - before))
			room = most - (bytes_size - before);
		MUST(room > 0);
		n = recv(fd, bytes + bytes_size, room, MSG_DONTWAIT);
		if (n > 0)
			bytes_size += (size_t)n;
	}
	return bytes_size - before;
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

/* The beginning of a CGI response (RFC 3875, section 6), or all of it. */
static void check_response(
	char *text, size_t size, bool head, struct answer_read *out)
{
	static const char field[] = "\r\nContent-Length: ";
	text[size] = '\0';
	char *end = strstr(text, "\r\n\r\n");
	if (end == NULL)
		return;

	check_head(text, (size_t)(end + 2 - text));
	out->body = size - (size_t)(end + 4 - text);
	end[2] = '\0';
	const char *length = strstr(text, field);
	size_t whole = 0;
	if (length == NULL)
		MUST(strstr(text, "\r\nX-") != NULL);
	else if (!head)
		whole = strtoul(length + strlen(field), NULL, 10);
	MUST(out->body <= whole);
	out->is_whole = out->body == whole;
	if (!head && out->is_whole && strncmp(text, "Status: 200 ", 12) != 0)
		check_error(end + 4, out->body);
}

/* Adds what there is of a record's content. Whether it is END_REQUEST. */
static bool add_record(const uint8_t *record, size_t there, unsigned id,
	char *text, size_t *text_size)
{
	static const uint8_t complete[sizeof(FCGI_EndRequestBody)];

	MUST(record[0] == 1 && record[2] * 256u + record[3] == id);
	if (record[1] == FCGI_END_REQUEST) {
		MUST(record[4] * 256u + record[5] == sizeof complete);
		if (there < sizeof complete)
			return false;
		MUST(memcmp(record + FCGI_HEADER_LEN, complete, there) == 0);
		return true;
	}
	MUST(record[1] == FCGI_STDOUT);
	memcpy(text + *text_size, record + FCGI_HEADER_LEN, there);
	*text_size += there;
	return false;
}

void answer_look(unsigned id, bool head, struct answer_read *out)
{
	static char text[ANSWER_MAX + 1];
	size_t at = 0, text_size = 0;

	*out = (struct answer_read){.has_ended = false};
	while (bytes_size - at >= FCGI_HEADER_LEN) {
		const uint8_t *record = bytes + at;
		size_t there = record[4] * 256u + record[5];
		MUST(!out->has_ended && record[6] == 0);
		at += FCGI_HEADER_LEN;
		if (there > bytes_size - at)
			there = bytes_size - at;
		at += there;
		out->has_ended =
			add_record(record, there, id, text, &text_size);
	}
	MUST(!out->has_ended || at == bytes_size);
	check_response(text, text_size, head, out);
	MUST(!out->has_ended || out->is_whole);
}
