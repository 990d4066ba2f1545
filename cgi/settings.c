/* SPDX-License-Identifier: MIT */
/* Reads the settings from the environment or from FastCGI params. */
#include "cgi/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "boot/number.h"
#include "cgi/metavar.h"

#define GRACE_MAX 86400 /* seconds: a day */

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

static bool is_log_name(const char *text)
{
	return text[0] == '/' || strcmp(text, "-") == 0;
}

static bool set_bad_setting(
	struct bad_setting *bad, const char *name, const char *value)
{
	*bad = (struct bad_setting){.name = name, .value = value};
	return false;
}

bool settings_overlay(const struct metavars *vars, struct settings *s,
	struct bad_setting *bad)
{
	struct settings new = *s;

	if (vars->pxesrv_root != NULL) {
		if (vars->pxesrv_root[0] != '/')
			return set_bad_setting(
				bad, "PXESRV_ROOT", vars->pxesrv_root);
		new.root = vars->pxesrv_root;
	}
	if (vars->pxesrv_log != NULL) {
		if (!is_log_name(vars->pxesrv_log))
			return set_bad_setting(
				bad, "PXESRV_LOG", vars->pxesrv_log);
		new.log = vars->pxesrv_log;
	}
	if (vars->pxesrv_allow != NULL) {
		if (!is_path_list(vars->pxesrv_allow))
			return set_bad_setting(
				bad, "PXESRV_ALLOW", vars->pxesrv_allow);
		new.allow = vars->pxesrv_allow;
	}
	if (vars->pxesrv_send != NULL &&
		!send_parse(vars->pxesrv_send, &new.send))
		return set_bad_setting(bad, "PXESRV_SEND", vars->pxesrv_send);
	if (vars->pxesrv_once_grace != NULL &&
		!number_parse(
			vars->pxesrv_once_grace, 10, 0, GRACE_MAX, &new.grace))
		return set_bad_setting(
			bad, "PXESRV_ONCE_GRACE", vars->pxesrv_once_grace);

	*s = new;
	return true;
}
