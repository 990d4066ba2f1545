/* SPDX-License-Identifier: MIT */
/*
 * The route. The input: a byte whose lowest bits choose the variables, and
 * whose others are the length of a prefix, for paths that are too long; then
 * REQUEST_URI, or SCRIPT_NAME, NUL, PATH_INFO.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgi/metavar.h"
#include "cgi/route.h"
#include "fuzz.h"

#define CLEAR "/grub/clear/"

/* A second opinion: decode, squeeze, then look from the end. */
static bool decode(const char *uri, char *out)
{
	size_t n = 0;

	for (size_t i = 0; uri[i] != '\0' && uri[i] != '?'; i++) {
		unsigned byte = (unsigned char)uri[i];
		if (byte == '%') {
			if (!isxdigit((unsigned char)uri[i + 1]) ||
				!isxdigit((unsigned char)uri[i + 2]))
				return false;
			const char digits[] = {uri[i + 1], uri[i + 2], '\0'};
			byte = (unsigned)strtoul(digits, NULL, 16);
			i += 2;
		}
		if (byte == 0)
			return false;
		out[n++] = (char)byte;
	}
	out[n] = '\0';
	return n < PATH_MAX;
}

static void squeeze(char *path)
{
	for (char *at = path; *at != '\0';) {
		if (at[0] == '/' && at[1] == '/')
			memmove(at, at + 1, strlen(at));
		else
			at++;
	}
}

static bool is_version(const char *text)
{
	if (*text == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (i == NAME_MAX || text[i] == '/' ||
			iscntrl((unsigned char)text[i]))
			return false;
	}
	return true;
}

/* Whether the web server understands a path so that it leads into there. */
static bool leads_into(const char *path, const char *directory)
{
	for (; *path != '\0'; path++) {
		size_t i = 0;
		while (directory[i] != '\0' &&
			tolower((unsigned char)path[i]) == directory[i])
			i++;
		if (directory[i] == '\0')
			return true;
	}
	return false;
}

static bool is_hidden(const char *path)
{
	return leads_into(path, "/once/") || leads_into(path, "/until/") ||
	       leads_into(path, "/names/") || leads_into(path, "/subnet/");
}

static bool ends_with(const char *path, const char *end)
{
	const size_t length = strlen(path);

	return length >= strlen(end) &&
	       strcmp(path + length - strlen(end), end) == 0;
}

static void decide(const struct metavars *vars, char *path, struct route *out)
{
	*out = (struct route){.kind = ROUTE_NONE};
	strcpy(path, vars->script_name ? vars->script_name : "");
	strcat(path, vars->path_info ? vars->path_info : "");
	if (strlen(path) >= PATH_MAX || is_hidden(path))
		return;
	if (vars->request_uri != NULL && !decode(vars->request_uri, path))
		return;
	squeeze(path);

	size_t length = strlen(path);
	for (size_t i = length; i-- > 0;) {
		if (strncmp(path + i, CLEAR, strlen(CLEAR)) != 0)
			continue;
		out->kind = ROUTE_GRUB_CLEAR;
		if (is_version(path + i + strlen(CLEAR)))
			strcpy(out->version, path + i + strlen(CLEAR));
		return;
	}
	if (ends_with(path, "/redirect"))
		out->kind = ROUTE_REDIRECT;
	else if (ends_with(path, "/done"))
		out->kind = ROUTE_DONE;
}

static char *with_prefix(size_t prefix, struct input *in)
{
	char *text = fuzz_string(in, '\0');
	char *out = malloc(prefix + strlen(text) + 1);

	MUST(out != NULL);
	memset(out, 'x', prefix);
	strcpy(out + prefix, text);
	free(text);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct metavars vars = {0};
	struct route got, want;
	const unsigned how = fuzz_byte(&in);
	char *first = with_prefix((size_t)(how >> 2) * 66, &in);
	char *second = fuzz_string(&in, '\0');
	char *room = malloc(strlen(first) + strlen(second) + 1);

	MUST(room != NULL);
	if ((how & 1) == 0) {
		vars.request_uri = first;
	} else {
		vars.script_name = first;
		if ((how & 2) == 0)
			vars.path_info = second;
	}
	memset(&got, 0xa5, sizeof got);
	route_find(&vars, &got);
	fuzz_tally(got.kind != ROUTE_NONE);
	decide(&vars, room, &want);
	MUST(got.kind == want.kind);
	MUST(memchr(got.version, '\0', sizeof got.version) != NULL);
	MUST(strcmp(got.version, want.version) == 0);
	free(room);
	free(second);
	free(first);
	return 0;
}
