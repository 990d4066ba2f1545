/* SPDX-License-Identifier: MIT */
/* In the place of sandbox.c, by the build's option -Dsandbox=disabled. */
#include "fcgi/sandbox/sandbox.h"

void sandbox_confine_files(const struct settings *settings,
	const char *socket_path, struct sandbox *out)
{
	(void)settings;
	(void)socket_path;
	*out = (struct sandbox){.confines_files = false};
	sandbox_report_add(&out->report, "none: it was built without");
}

void sandbox_confine_calls(struct sandbox *sandbox)
{
	(void)sandbox;
}
