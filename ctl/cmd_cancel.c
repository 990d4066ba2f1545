/* SPDX-License-Identifier: MIT */
/* The commands that take entries away: cancel, forget. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/once.h"
#include "boot/text.h"
#include "ctl/arm.h"
#include "ctl/as_user.h"
#include "ctl/cancelled.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/directory.h"
#include "ctl/holder.h"

static void say_taken(const char *entry, const char *text)
{
	char escaped[PATH_MAX];

	escape_line(text, escaped, sizeof escaped);
	printf("%s%s%s\n", entry, text[0] == '\0' ? "" : " -> ", escaped);
}

static bool refuse(const struct ctl *ctl, int err, const char *entry)
{
	char holder[256];

	switch (err) {
	case -ENOENT:
		warnx("%s: not armed", entry);
		break;
	case -EINVAL:
		warnx("%s: a file and no link, which is left alone: it is "
		      "ignored anyway",
			entry);
		break;
	case -EAGAIN:
		holder_name(&ctl->tree, holder, sizeof holder);
		warnx("%s: nothing is cancelled: once/.lock is held by %s",
			entry, holder);
		break;
	default:
		if (faccessat(ctl->tree.root, entry, F_OK,
			    AT_SYMLINK_NOFOLLOW) == 0)
			warnx("%s: %s", entry, strerror(-err));
		else
			warnx("%s: taken away, but not put to "
			      "once/.cancelled/: %s; pxesrvctl check finds it",
				entry, strerror(-err));
	}
	return false;
}

static bool cancel(struct ctl *ctl, const struct client *client, void *context)
{
	char text[PATH_MAX], entry[64];

	(void)context;
	/* So that the lock is the responder's, and what is made. */
	as_user_begin(ctl);
	const int err = cancel_link(&ctl->tree, client->name, text);
	as_user_end();
	snprintf(entry, sizeof entry, "once/%s", client->name);
	if (err < 0)
		return refuse(ctl, err, entry);
	say_taken(entry, text);
	if (err == CANCEL_NOT_KEPT)
		warnx("%s: cancelled, but rearm can't bring it back: another "
		      "user has something in its place in once/.cancelled",
			entry);
	return true;
}

bool cmd_cancel(struct ctl *ctl, int count, char *const operands[])
{
	as_user_begin(ctl);
	const int err = cancel_prepare(&ctl->tree);
	as_user_end();
	if (err == 0)
		return clients_each_entry(
			ctl, ONCE_DIR, count, operands, cancel, NULL);
	if (err == -ENOENT)
		warnx("%s/once: the responder was never started here, and only "
		      "its user (-u) may make .lock and .cancelled",
			ctl->root);
	else
		refuse(ctl, err, ONCE_DIR);
	return false;
}

static bool forget(struct ctl *ctl, const struct client *client, void *context)
{
	const int directory = *(const int *)context;
	char text[PATH_MAX], entry[64];

	snprintf(entry, sizeof entry, "static/%s", client->name);
	ssize_t n = readlinkat(directory, client->name, text, sizeof text - 1);
	if (n < 0 && errno == EINVAL && !ctl->force) {
		warnx("%s: no link, so it is left alone (--force removes a "
		      "file)",
			entry);
		return false;
	}
	if ((n < 0 && errno != EINVAL) ||
		unlinkat(directory, client->name, 0) < 0) {
		warnx("%s: %s", entry,
			errno == ENOENT ? "there is none" : strerror(errno));
		return false;
	}
	text[n < 0 ? 0 : n] = '\0';
	say_taken(entry, text);
	return true;
}

bool cmd_forget(struct ctl *ctl, int count, char *const operands[])
{
	int directory = directory_open(ctl, "static");

	if (directory < 0)
		return false;
	const bool done = clients_each_entry(
		ctl, "static", count, operands, forget, &directory);
	close(directory);
	return done;
}
