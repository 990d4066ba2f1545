/* SPDX-License-Identifier: MIT */
#pragma once

struct landlock;
struct settings;
struct sandbox_report;

/*
 * Gives the rights that the responder needs on the places that its settings
 * name, which must have a root, and on the directory of its own socket (NULL:
 * none). The report gets what is not as it should be. 0, -EXDEV when that is
 * all of the system, or another -errno.
 *
 * A right belongs to the directory or file that is there now: one that comes
 * in its place later does not have it.
 */
int places_allow(const struct landlock *landlock,
	const struct settings *settings, const char *socket_path,
	struct sandbox_report *report);
