/* SPDX-License-Identifier: MIT */
/* Parses what cgi/logline.c has written; logline.h has the format. */
#include "ctl/logparse.h"

#include <arpa/inet.h>
#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "boot/client.h"

const char *const logparse_sources[LOGPARSE_OTHER + 1] = {
	[LOGPARSE_ONCE] = "once",
	[LOGPARSE_UNTIL] = "until",
	[LOGPARSE_STATIC] = "static",
	[LOGPARSE_SUBNET] = "subnet",
	[LOGPARSE_DEFAULT] = "default",
	[LOGPARSE_NAMES] = "names",
	[LOGPARSE_OTHER] = "other",
};

/*
 * Takes a number up to max, and the mark behind it, off a text. Returns -1, and
 * takes nothing, for other text.
 */
static long long take_number(const char **text, char mark, long long max)
{
	const char *at = *text;
	long long n = 0;

	for (; *at >= '0' && *at <= '9' && n <= max; at++)
		n = 10 * n + (*at - '0');
	if (at == *text || *at != mark || n > max)
		return -1;
	*text = at + 1;
	return n;
}

/*
 * Takes a month and the slash behind it. Returns 0 to 11, or -1. Month names in
 * the log do not depend on the locale.
 */
static int take_month(const char **text)
{
	static const char all[] =
		"Jan/Feb/Mar/Apr/May/Jun/Jul/Aug/Sep/Oct/Nov/Dec/";

	for (int i = 0; i < 12; i++) {
		if (strncmp(*text, all + (ptrdiff_t)4 * i, 4) == 0) {
			*text += 4;
			return i;
		}
	}
	return -1;
}

/* "22/Nov/2026:13:28:00 +0000" */
static bool parse_time(const char *text, struct parsed_line *out)
{
	const long long day = take_number(&text, '/', 31);
	const int month = take_month(&text);
	const long long year = take_number(&text, ':', 9999);
	const long long hour = take_number(&text, ':', 23);
	const long long minute = take_number(&text, ':', 59);
	const long long second = take_number(&text, ' ', 60);
	const bool is_west = *text == '-';

	if (day < 1 || month < 0 || year < 1970 || hour < 0 || minute < 0 ||
		second < 0 || (!is_west && *text != '+'))
		return false;
	text++;
	const long long zone = take_number(&text, '\0', 2359);
	if (zone < 0 || zone % 100 > 59)
		return false;

	struct tm tm = {.tm_mday = (int)day,
		.tm_mon = month,
		.tm_year = (int)year - 1900};
	const time_t midnight = timegm(&tm);
	const int east = (int)(zone / 100 * 3600 + zone % 100 * 60);
	out->offset = is_west ? -east : east;
	out->time = midnight + (hour * 60 + minute) * 60 + second - out->offset;
	return tm.tm_mday == day; /* timegm(3) turned 31/Feb into another day */
}

/* Ends a text at a mark. Returns what follows the mark, or NULL. */
static char *cut_at(char *text, const char *mark)
{
	char *at = strstr(text, mark);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + strlen(mark);
}

/* "GET /redirect HTTP/1.1"; a client's URI may have spaces. */
static bool parse_request(char *text, struct parsed_line *out)
{
	char *uri = cut_at(text, " ");
	char *protocol = uri == NULL ? NULL : strrchr(uri, ' ');

	if (protocol == NULL)
		return false;
	*protocol = '\0';
	out->method = text;
	out->uri = uri;
	return true;
}

/* "200 1497 0.0003 once centos/7/default" */
static bool parse_result(const char *text, struct parsed_line *out)
{
	const long long status = take_number(&text, ' ', 999);
	const long long bytes = take_number(&text, ' ', LLONG_MAX / 100);
	const long long seconds = take_number(&text, '.', INT_MAX);
	const char *places = text;
	const long long part = take_number(&text, ' ', 9999);

	if (status < 0 || bytes < 0 || seconds < 0 || part < 0 ||
		text - places != 5 || *text == '\0')
		return false;
	out->status = (unsigned)status;
	out->bytes = bytes;
	out->seconds = (double)seconds + (double)part / 10000;
	out->decision = text;
	return true;
}

static void parse_target(struct parsed_line *out)
{
	out->source = LOGPARSE_OTHER;
	out->target = NULL;
	out->target_length = 0;
	for (int i = 0; out->status != 0 && i < LOGPARSE_OTHER; i++) {
		const size_t n = strlen(logparse_sources[i]);
		if (strncmp(out->decision, logparse_sources[i], n) != 0 ||
			out->decision[n] != ' ')
			continue;
		out->source = (enum logparse_source)i;
		out->target = out->decision + n + 1;
		out->target_length = strcspn(out->target, " ");
	}
}

/* The log has nothing else. Other bytes could harm a terminal. */
static bool is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] >= 0x7f)
			return false;
	}
	return true;
}

/* Whether a word is an address or "-". */
static bool is_client_name(const char *word, const char *end)
{
	const size_t length = (size_t)(end - word);
	char text[INET6_ADDRSTRLEN];
	struct client client;

	if (length == 1 && *word == '-')
		return true;
	if (length >= sizeof text)
		return false;
	memcpy(text, word, length);
	text[length] = '\0';
	return client_parse(text, &client) && strcmp(client.key, text) == 0;
}

/*
 * Finds the start of PXESrv's line, or NULL. Words of the journal or a web
 * server may precede it, or NULs if a log was truncated while open. Clients'
 * text comes later, so the first match counts.
 */
static char *find_log_line(char *line, size_t length)
{
	static const char mark[] = " - - [";
	const char *const end = line + length;
	char *at = line, *word;

	while ((at = memmem(at, (size_t)(end - at), mark, strlen(mark))) !=
		NULL) {
		for (word = at; word > line && word[-1] > ' '; word--)
			;
		if (is_client_name(word, at))
			return word;
		at++;
	}
	return NULL;
}

/*
 * Apache's error log doubles each backslash of a CGI program's line, and
 * appends the request's Referer.
 */
static void undo_apache(char *line)
{
	char *to = line, *referer = NULL;

	for (char *at = strstr(line, ", referer: "); at != NULL;
		at = strstr(at + 1, ", referer: "))
		referer = at;
	if (referer != NULL)
		*referer = '\0';
	for (const char *from = line; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] == '\\')
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

bool logparse_line(char *text, size_t length, struct parsed_line *out)
{
	char *line = find_log_line(text, length);

	if (line == NULL || !is_printable(line, length - (size_t)(line - text)))
		return false;
	if (line != text && text[0] == '[')
		undo_apache(line);
	char *time = cut_at(line, " - - [");
	char *request = time == NULL ? NULL : cut_at(time, "] \"");
	const char *result = request == NULL ? NULL : cut_at(request, "\"");
	if (result == NULL || *result != ' ' || !parse_time(time, out) ||
		!parse_request(request, out) || !parse_result(result + 1, out))
		return false;
	out->client = line;
	parse_target(out);
	return true;
}

long long logparse_duration(const char *option, const char *text)
{
	static const struct {
		char name;
		int seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		const char *rest = text;
		const long long n = take_number(&rest, units[i].name, INT_MAX);
		if (n >= 0 && *rest == '\0')
			return n * units[i].seconds;
	}
	errx(EX_USAGE, "%s %s: not a number with s, m, h or d, such as 2h",
		option, text);
}

time_t logparse_since(const char *text)
{
	if (text == NULL)
		return 0; /* 1970 */
	return time(NULL) - logparse_duration("--since", text);
}
