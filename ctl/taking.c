/* SPDX-License-Identifier: MIT */
/* The commands that take entries away: cancel, forget. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arm.h"
#include "cancel.h"
#include "clients.h"
#include "ctl.h"
#include "escape.h"
#include "eyes.h"

static void say_taken(const char *entry, const char *text)
{
	char escaped[PATH_MAX];

	escape_line(text, escaped, sizeof escaped);
	printf("%s%s%s\n", entry, text[0] == '\0' ? "" : " -> ", escaped);
}

static bool cancel(struct ctl *ctl, const struct client *client, void *context)
{
	char text[PATH_MAX], entry[64];
	const int err = cancel_link(&ctl->tree, client->name, text);

	(void)context;
	snprintf(entry, sizeof entry, "once/%s", client->name);
	if (err < 0) {
		warnx("%s: %s", entry,
			err == -ENOENT   ? "not armed"
			: err == -EINVAL ? "a file and no link, which is left "
					   "alone: it is ignored anyway"
			: err == -EAGAIN ? "something holds the lock on "
					   "once/.lock for too long"
					 : strerror(-err));
		return false;
	}
	say_taken(entry, text);
	return true;
}

static bool run_cancel(struct ctl *ctl, int count, char *const operands[])
{
	/* So that the lock, and what may be made, is the responder's. */
	eyes_open(ctl);
	const int err = cancel_prepare(&ctl->tree);
	if (err < 0)
		warnx("%s/once: %s", ctl->root,
			err == -ENOENT
				? "the responder was never started here, "
				  "and only its user may make .lock, "
				  ".claimed and .served"
				: strerror(-err));
	const bool done =
		err == 0 && clients_each(ctl, count, operands, cancel, NULL);
	eyes_close();
	return done;
}

static bool forget(struct ctl *ctl, const struct client *client, void *context)
{
	char text[PATH_MAX], entry[64];

	(void)context;
	snprintf(entry, sizeof entry, "static/%s", client->name);
	ssize_t n = readlinkat(ctl->tree.root, entry, text, sizeof text - 1);
	if (n < 0 && errno == EINVAL && !ctl->force) {
		warnx("%s: a file and no link, which is left alone (--force "
		      "removes it)",
			entry);
		return false;
	}
	if ((n < 0 && errno != EINVAL) ||
		unlinkat(ctl->tree.root, entry, 0) < 0) {
		warnx("%s: %s", entry,
			errno == ENOENT ? "there is none" : strerror(errno));
		return false;
	}
	text[n < 0 ? 0 : n] = '\0';
	say_taken(entry, text);
	return true;
}

static bool run_forget(struct ctl *ctl, int count, char *const operands[])
{
	return clients_each(ctl, count, operands, forget, NULL);
}

const struct command command_cancel = {
	.name = "cancel",
	.operands = "CLIENT...",
	.options = "uFL",
	.help = "take the once link away, unserved (rearm brings it back)\n",
	.operands_min = 1,
	.operands_max = -1,
	.needs_tree = true,
	.run = run_cancel,
};

const struct command command_forget = {
	.name = "forget",
	.operands = "CLIENT...",
	.options = "FL",
	.help = "remove the entry in static/\n",
	.operands_min = 1,
	.operands_max = -1,
	.needs_tree = true,
	.run = run_forget,
};
