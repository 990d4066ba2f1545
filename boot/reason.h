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

#define REASON_LINE_SIZE 2048 /* bytes */

/*
 * Writes the line that tells a client why it gets nothing: the entry, the text
 * of its link ("": none), escaped, and the reason in words. The line is a
 * comment to GRUB.
 */
void reason_line(const char *entry, const char *link_text, const char *words,
	char out[static REASON_LINE_SIZE]);

/* Describes an errno: strerror(3), or a better text where strerror misleads. */
const char *reason_text(int error);
