/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "boot/decision.h"
#include "cgi/identify.h"

struct metavars;

/* How the boot file travels to the client. */
enum send {
	SEND_INLINE,           /* PXESrv sends the bytes */
	SEND_X_ACCEL_REDIRECT, /* nginx sends the file */
	SEND_X_SENDFILE,       /* lighttpd or Apache's mod_xsendfile sends it */
};

struct settings {
	const char *root;  /* absolute; NULL: the request's DOCUMENT_ROOT */
	const char *log;   /* a path, or "-" for standard error */
	const char *allow; /* further directories, colon-separated */
	enum send send;
	struct identify identify;
	struct once_limits once;
};

extern const struct settings settings_default;

/* A setting whose value is invalid. */
struct bad_setting {
	const char *name;
	const char *value;
};

/*
 * Overrides the settings in s by those in vars; s then points into vars'
 * strings. False, with s untouched: a value is invalid; bad is the first one.
 */
bool settings_overlay(const struct metavars *vars, struct settings *s,
	struct bad_setting *bad);
