/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct metavars;

/* How the file travels to the client. */
enum send {
	SEND_INLINE,           /* PXESrv sends the bytes */
	SEND_X_ACCEL_REDIRECT, /* nginx does */
	SEND_X_SENDFILE,       /* lighttpd, or Apache's mod_xsendfile, does */
};

struct settings {
	const char *root;  /* absolute; NULL: the request's DOCUMENT_ROOT */
	const char *log;   /* a path, or "-" for standard error */
	const char *allow; /* further directories, colon-separated */
	enum send send;
	unsigned grace; /* seconds */
};

extern const struct settings settings_default;

/* A setting whose value does not parse. */
struct bad_setting {
	const char *name;
	const char *value;
};

/*
 * Lets the settings that are among the variables win over those in s, which
 * then points into what vars points into. False when a value does not parse:
 * bad is then the first such one, and s is untouched.
 */
bool settings_overlay(const struct metavars *vars, struct settings *s,
	struct bad_setting *bad);
