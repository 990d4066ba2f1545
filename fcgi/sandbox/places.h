/* SPDX-License-Identifier: MIT */
#pragma once

struct landlock;
struct settings;
struct sandbox_report;

/*
 * Gives the rights that the responder needs on the places in its settings,
 * which must have a root, and on the directory of its own socket (NULL: none).
 * Reports problems. Returns 0, -EXDEV if a place is the whole system, or
 * another -errno.
 *
 * A rule is for the file or directory that exists now, not its successor.
 */
int places_allow(const struct landlock *landlock,
	const struct settings *settings, const char *socket_path,
	struct sandbox_report *report);
