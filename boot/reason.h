/* SPDX-License-Identifier: MIT */
#pragma once

/* What a failure means for a machine that boots. */
enum reason {
	REASON_NONE,      /* no failure */
	REASON_MISSING,   /* no such file */
	REASON_FORBIDDEN, /* not readable, or not a boot file */
	REASON_TEMPORARY, /* temporary: the client should ask again */
};

/* Returns the reason for an errno other than 0. */
enum reason reason_of(int error);

/* Describes an errno: strerror(3), or a better text where strerror misleads. */
const char *reason_text(int error);
