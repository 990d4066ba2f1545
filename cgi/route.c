/* SPDX-License-Identifier: MIT */
/* Finds the route of a request by its path. */
#include "cgi/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cgi/metavar.h"

#define REDIRECT "/redirect"
#define GRUB_CLEAR "/grub/clear/"
#define ONCE "/once/"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes uri up to its query. False: too long, or malformed. */
static bool decode_uri_path(const char *uri, char path[static PATH_MAX])
{
	size_t n = 0;

	while (*uri != '\0' && *uri != '?') {
		char c = *uri++;
		if (c == '%') {
			int high = hex_digit(uri[0]);
			int low = high < 0 ? -1 : hex_digit(uri[1]);
			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			uri += 2;
		}
		if (c == '\0' || n == PATH_MAX - 1)
			return false;
		path[n++] = c;
	}
	path[n] = '\0';
	return true;
}

static void merge_slashes(char *path)
{
	char *to = path;

	for (const char *from = path; *from != '\0'; from++) {
		if (from[0] != '/' || from[1] != '/')
			*to++ = *from;
	}
	*to = '\0';
}

/* Writes the path as the web server understands it. */
static bool join_server_path(
	const struct metavars *vars, char path[static PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s%s",
		vars->script_name ? vars->script_name : "",
		vars->path_info ? vars->path_info : "");
	return n >= 0 && n < PATH_MAX;
}

static bool read_path(const struct metavars *vars, char path[static PATH_MAX])
{
	if (vars->request_uri != NULL)
		return decode_uri_path(vars->request_uri, path);
	return join_server_path(vars, path);
}

/* Ignores case, because some file systems do. */
static bool is_in_once(const struct metavars *vars)
{
	char path[PATH_MAX];

	return !join_server_path(vars, path) || strcasestr(path, ONCE) != NULL;
}

/* Rejects control characters: GRUB may run the answer as configuration. */
static bool is_plain_component(const char *name)
{
	if (name[0] == '\0' || strcmp(name, ".") == 0 ||
		strcmp(name, "..") == 0 || strlen(name) > NAME_MAX)
		return false;
	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '/' || (unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	return true;
}

/* Returns what follows the last GRUB_CLEAR in path, or NULL. */
static const char *grub_version(const char *path)
{
	const char *version = NULL;

	while ((path = strstr(path, GRUB_CLEAR)) != NULL) {
		version = path + strlen(GRUB_CLEAR);
		path++;
	}
	return version;
}

void route_find(const struct metavars *vars, struct route *out)
{
	char path[PATH_MAX];

	*out = (struct route){.kind = ROUTE_NONE};
	if (is_in_once(vars) || !read_path(vars, path))
		return;
	merge_slashes(path);

	const char *version = grub_version(path);
	if (version != NULL) {
		out->kind = ROUTE_GRUB_CLEAR;
		if (is_plain_component(version))
			strcpy(out->version, version);
		return;
	}

	const char *last = strrchr(path, '/');
	if (last != NULL && strcmp(last, REDIRECT) == 0)
		out->kind = ROUTE_REDIRECT;
}
