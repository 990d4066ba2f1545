/* SPDX-License-Identifier: MIT */
/* Replaces sandbox.c in builds with -Dsandbox=disabled. */
#include "fcgi/sandbox/sandbox.h"

void sandbox_confine_files(const struct settings *settings,
	const char *socket_path, struct sandbox *out)
{
	(void)settings;
	(void)socket_path;
	*out = (struct sandbox){.confines_files = false};
	sandbox_report_add(
		&out->report, "none: the responder was built without one");
}

void sandbox_confine_calls(struct sandbox *sandbox)
{
	(void)sandbox;
}
