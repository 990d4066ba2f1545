/* SPDX-License-Identifier: MIT */
/*
 * Confines the process: first files and network by Landlock, then system calls
 * by seccomp. Without one of the two it goes on, and reports that.
 */
#include "fcgi/sandbox/sandbox.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

#include "cgi/settings.h"
#include "fcgi/sandbox/landlock.h"
#include "fcgi/sandbox/places.h"
#include "fcgi/sandbox/syscalls.h"

/* Files and, where the kernel knows how, network. 0 or -errno. */
static int enter_files(int version, const struct settings *settings,
	const char *socket_path, struct sandbox_report *report)
{
	struct landlock landlock;
	int err = landlock_open(version, true, &landlock);

	if (err < 0)
		return err;
	sandbox_report_add(report, "files%s (Landlock %d)",
		version >= LANDLOCK_NETWORK ? " and network" : "", version);
	err = places_allow(&landlock, settings, socket_path, report);
	if (err == 0)
		return landlock_enter(&landlock);
	landlock_close(&landlock);
	return err;
}

static void enter_network(int version, struct sandbox_report *report)
{
	struct landlock landlock;
	int err = landlock_open(version, false, &landlock);

	if (err == 0)
		err = landlock_enter(&landlock);
	if (err == 0)
		sandbox_report_add(report, "network (Landlock %d)", version);
	else
		sandbox_report_add(report,
			"network is not confined: Landlock: %s",
			strerror(-err));
}

/* NULL, or why files are not confined. */
static const char *confine_files(int version, const struct settings *settings,
	const char *socket_path, struct sandbox_report *report)
{
	if (version == -EPERM) /* by the filter of a container */
		return "Landlock is forbidden here";
	if (version < 0)
		return "this kernel has no Landlock";
	if (settings->root == NULL)
		return "PXESRV_ROOT is not in the environment";
	if (version < LANDLOCK_MOVES)
		return "Landlock 1 would let no link be moved";

	int err = enter_files(version, settings, socket_path, report);
	if (err == -EXDEV)
		return "the root is reached by a link to a directory in /";
	return err < 0 ? strerror(-err) : NULL;
}

void sandbox_confine_files(const struct settings *settings,
	const char *socket_path, struct sandbox *out)
{
	const int version = landlock_version();

	*out = (struct sandbox){.confines_files = false};
	/* Without it the kernel takes neither rules nor a filter from a user.
	 */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	const char *why =
		confine_files(version, settings, socket_path, &out->report);
	if (why == NULL) {
		out->confines_files = true;
		return;
	}
	out->report = (struct sandbox_report){.text = ""};
	if (version >= LANDLOCK_NETWORK)
		enter_network(version, &out->report);
	sandbox_report_add(&out->report, "files are not confined: %s", why);
	/* What was not asked for is not missed. */
	out->is_incomplete = settings->root != NULL;
}

void sandbox_confine_calls(struct sandbox *sandbox)
{
	int err = syscalls_confine();

	if (err == 0) {
		sandbox_report_add(&sandbox->report, "system calls (seccomp)");
		return;
	}
	sandbox->is_incomplete = true;
	sandbox_report_add(&sandbox->report,
		"system calls are not confined: seccomp: %s", strerror(-err));
}
