/* SPDX-License-Identifier: MIT */
/* Reads the settings from the environment or from FastCGI params. */
#include "cgi/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "boot/number.h"
#include "cgi/metavar.h"

#define GRACE_MAX 86400       /* seconds: a day */
#define EXPIRES_MAX 315360000 /* seconds: ten years */

const struct settings settings_default = {
	.log = "/var/log/pxesrv.log",
	.allow = "",
};

static bool send_parse(const char *text, enum send *out)
{
	static const char *const names[] = {
		[SEND_INLINE] = "inline",
		[SEND_X_ACCEL_REDIRECT] = "x-accel-redirect",
		[SEND_X_SENDFILE] = "x-sendfile",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum send)i;
			return true;
		}
	}
	return false;
}

/* Whether list has absolute paths between colons. Empty ones are harmless. */
static bool is_path_list(const char *list)
{
	for (const char *p = list; *p != '\0'; p++) {
		bool first = p == list || p[-1] == ':';
		if (first && *p != '/' && *p != ':')
			return false;
	}
	return true;
}

static bool set_root(const char *text, struct settings *s)
{
	s->root = text;
	return text[0] == '/';
}

static bool set_log(const char *text, struct settings *s)
{
	s->log = text;
	return text[0] == '/' || strcmp(text, "-") == 0;
}

static bool set_allow(const char *text, struct settings *s)
{
	s->allow = text;
	return is_path_list(text);
}

static bool set_send(const char *text, struct settings *s)
{
	return send_parse(text, &s->send);
}

static bool set_grace(const char *text, struct settings *s)
{
	return number_parse(text, 10, 0, GRACE_MAX, &s->once.grace);
}

static bool set_expires(const char *text, struct settings *s)
{
	return number_parse(text, 10, 0, EXPIRES_MAX, &s->once.expires);
}

static bool set_identify(const char *text, struct settings *s)
{
	return identify_parse(text, &s->identify);
}

bool settings_overlay(const struct metavars *vars, struct settings *s,
	struct bad_setting *bad)
{
	const struct {
		const char *name;
		const char *value;
		bool (*set)(const char *text, struct settings *s);
	} given[] = {
		{"PXESRV_ROOT", vars->pxesrv_root, set_root},
		{"PXESRV_LOG", vars->pxesrv_log, set_log},
		{"PXESRV_ALLOW", vars->pxesrv_allow, set_allow},
		{"PXESRV_SEND", vars->pxesrv_send, set_send},
		{"PXESRV_ONCE_GRACE", vars->pxesrv_once_grace, set_grace},
		{"PXESRV_ONCE_EXPIRES", vars->pxesrv_once_expires, set_expires},
		{"PXESRV_IDENTIFY", vars->pxesrv_identify, set_identify},
	};
	struct settings new = *s;

	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
		if (given[i].value == NULL ||
			given[i].set(given[i].value, &new))
			continue;
		*bad = (struct bad_setting){
			.name = given[i].name, .value = given[i].value};
		return false;
	}
	*s = new;
	return true;
}
