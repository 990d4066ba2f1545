/* SPDX-License-Identifier: MIT */
/* Finds the route of a request by its path. */
#include "cgi/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cgi/metavar.h"
#include "cgi/percent.h"

#define REDIRECT "/redirect"
#define DONE "/done"
#define GRUB_CLEAR "/grub/clear/"

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
		return percent_decode(vars->request_uri,
			strcspn(vars->request_uri, "?"), path, PATH_MAX);
	return join_server_path(vars, path);
}

/* Ignores case, because some file systems do. */
static bool is_hidden(const struct metavars *vars)
{
	static const char *const hidden[] = {
		"/names/", "/once/", "/subnet/", "/until/"};
	char path[PATH_MAX];

	if (!join_server_path(vars, path))
		return true;
	/* Each request gets here, and most have one slash. */
	if (strchr(path, '/') == strrchr(path, '/'))
		return false;
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		if (strcasestr(path, hidden[i]) != NULL)
			return true;
	}
	return false;
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
	if (is_hidden(vars) || !read_path(vars, path))
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
	else if (last != NULL && strcmp(last, DONE) == 0)
		out->kind = ROUTE_DONE;
}
