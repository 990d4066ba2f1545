/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cgi/metavar.h"
#include "cgi/route.h"
#include "tap.h"

static const struct {
	const char *uri;
	enum route_kind want;
	const char *version;
} uris[] = {
	{"/redirect", ROUTE_REDIRECT, ""},
	{"/redirect?", ROUTE_REDIRECT, ""},
	{"/redirect?mac=52:54:00&x=/grub/clear/7", ROUTE_REDIRECT, ""},
	{"//redirect", ROUTE_REDIRECT, ""},
	{"/boot///redirect", ROUTE_REDIRECT, ""},
	{"/boot/redirect", ROUTE_REDIRECT, ""},
	{"/a/b/../redirect", ROUTE_REDIRECT, ""},
	{"/%72edirect", ROUTE_REDIRECT, ""},
	{"/%2Fredirect", ROUTE_REDIRECT, ""},
	{"%2fredirect", ROUTE_REDIRECT, ""},
	{"http://server/redirect", ROUTE_REDIRECT, ""},
	{"/grub/clear/2.06", ROUTE_GRUB_CLEAR, "2.06"},
	{"/boot/grub/clear/2.06?x", ROUTE_GRUB_CLEAR, "2.06"},
	{"//grub//clear//2.06", ROUTE_GRUB_CLEAR, "2.06"},
	{"/grub/clear/redirect", ROUTE_GRUB_CLEAR, "redirect"},
	{"/grub/clear/grub/clear/7", ROUTE_GRUB_CLEAR, "7"},
	{"/grub/clear/2.06-13%2Bdeb12u1", ROUTE_GRUB_CLEAR, "2.06-13+deb12u1"},
	{"/grub/clear/a%20b", ROUTE_GRUB_CLEAR, "a b"},
	{"/grub/clear/...", ROUTE_GRUB_CLEAR, "..."},
	{"/grub/clear/", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/.", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/..", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/%2e%2e", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/a/b", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/a%2fb", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/a/", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/a%0ab", ROUTE_GRUB_CLEAR, ""},
	{"/grub/clear/a%7fb", ROUTE_GRUB_CLEAR, ""},
	{"/", ROUTE_NONE, ""},
	{"/Redirect", ROUTE_NONE, ""},
	{"/redirect/", ROUTE_NONE, ""},
	{"/redirect/x", ROUTE_NONE, ""},
	{"/xredirect", ROUTE_NONE, ""},
	{"redirect", ROUTE_NONE, ""},
	{"/grub/clear", ROUTE_NONE, ""},
	{"/default?/redirect", ROUTE_NONE, ""},
	{"/redirect%", ROUTE_NONE, ""},
	{"/redirect%4", ROUTE_NONE, ""},
	{"/%zzredirect", ROUTE_NONE, ""},
	{"/redirect%00", ROUTE_NONE, ""},
	{"/%00/redirect", ROUTE_NONE, ""},
	{"?/redirect", ROUTE_NONE, ""},
};

static bool finds(
	const struct metavars *vars, enum route_kind want, const char *version)
{
	struct route route;
	route_find(vars, &route);
	return route.kind == want && strcmp(route.version, version) == 0;
}

static void test_fallback(void)
{
	struct metavars vars = {
		.script_name = "/boot", .path_info = "/redirect"};
	tap_ok(finds(&vars, ROUTE_REDIRECT, ""),
		"without REQUEST_URI: SCRIPT_NAME and PATH_INFO");
	vars = (struct metavars){.script_name = "/redirect"};
	tap_ok(finds(&vars, ROUTE_REDIRECT, ""), "SCRIPT_NAME alone");
	vars = (struct metavars){.path_info = "/grub/clear/a%20b"};
	tap_ok(finds(&vars, ROUTE_GRUB_CLEAR, "a%20b"),
		"PATH_INFO is decoded already");
	vars = (struct metavars){.request_uri = "/x", .path_info = "/redirect"};
	tap_ok(finds(&vars, ROUTE_NONE, ""), "REQUEST_URI wins");
	vars = (struct metavars){0};
	tap_ok(finds(&vars, ROUTE_NONE, ""), "no path at all");
}

static const struct {
	const char *uri, *script, *info;
	enum route_kind want;
} places[] = {
	{"/once/redirect", "/once", "/redirect", ROUTE_NONE},
	{"/once/redirect", "/once/redirect", NULL, ROUTE_NONE},
	{"/boot/once/redirect", "/boot/once/redirect", NULL, ROUTE_NONE},
	{"/ONCE/redirect", "/ONCE", "/redirect", ROUTE_NONE},
	{"/once/grub/clear/2.06", "/once", "/grub/clear/2.06", ROUTE_NONE},
	{NULL, "/once", "/redirect", ROUTE_NONE},
	{"/once/../redirect", "/redirect", NULL, ROUTE_REDIRECT},
	{"/xonce/redirect", "/xonce", "/redirect", ROUTE_REDIRECT},
	{"/oncex/redirect", "/oncex", "/redirect", ROUTE_REDIRECT},
};

static void test_once(void)
{
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		const struct metavars vars = {
			.request_uri = places[i].uri,
			.script_name = places[i].script,
			.path_info = places[i].info,
		};
		tap_ok(finds(&vars, places[i].want, ""),
			places[i].uri ? places[i].uri : "no REQUEST_URI");
	}

	char name[PATH_MAX + 1];
	memset(name, 'x', sizeof name);
	name[PATH_MAX] = '\0';
	const struct metavars vars = {
		.request_uri = "/redirect", .script_name = name};
	tap_ok(finds(&vars, ROUTE_NONE, ""), "a SCRIPT_NAME that is too long");
}

/* A path of size bytes that ends in tail. */
static bool finds_long(size_t size, const char *tail, enum route_kind want,
	const char *version)
{
	char *uri = malloc(size + 1);
	if (uri == NULL)
		return false;
	memset(uri, 'x', size);
	uri[0] = '/';
	strcpy(uri + size - strlen(tail), tail);
	const struct metavars vars = {.request_uri = uri};
	bool found = finds(&vars, want, version);
	free(uri);
	return found;
}

int main(void)
{
	for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
		const struct metavars vars = {.request_uri = uris[i].uri};
		tap_ok(finds(&vars, uris[i].want, uris[i].version),
			uris[i].uri);
	}
	test_fallback();
	test_once();

	char name[NAME_MAX + 2], tail[NAME_MAX + 20];
	memset(name, 'v', sizeof name);
	name[NAME_MAX] = '\0';
	snprintf(tail, sizeof tail, "/grub/clear/%s", name);
	tap_ok(finds_long(1000, tail, ROUTE_GRUB_CLEAR, name),
		"a version of NAME_MAX bytes");
	snprintf(tail, sizeof tail, "/grub/clear/v%s", name);
	tap_ok(finds_long(1000, tail, ROUTE_GRUB_CLEAR, ""),
		"a version that no file name can have");
	tap_ok(finds_long(PATH_MAX - 1, "/redirect", ROUTE_REDIRECT, ""),
		"the longest path");
	tap_ok(finds_long(PATH_MAX, "/redirect", ROUTE_NONE, ""),
		"a path that is too long");
	tap_ok(finds_long(100000, "/redirect", ROUTE_NONE, ""),
		"a path that is much too long");
	return tap_end();
}
