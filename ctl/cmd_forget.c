/* SPDX-License-Identifier: MIT */
/* pxesrvctl forget: removes entries from static/. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/tree.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/print.h"

static bool forget_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	const int directory = *(const int *)context;
	char text[PATH_MAX] = "", entry[ENTRY_PATH_SIZE];

	snprintf(entry, sizeof entry, STATIC_DIR "/%s", client->key);
	int err = tree_read_link_at(directory, client->key, text);
	if (err == -EINVAL && !ctl->force) {
		warnx("%s: not a link, so it was left alone (--force removes a file)",
			entry);
		return false;
	}
	if (err == -EINVAL)
		err = 0;
	if (err == 0 && unlinkat(directory, client->key, 0) < 0)
		err = -errno;
	if (err < 0) {
		warnx("%s: %s", entry,
			err == -ENOENT ? "there is none" : strerror(-err));
		return false;
	}
	print_link(entry, text);
	putchar('\n');
	return true;
}

bool cmd_forget(struct ctl *ctl, int count, char *const operands[])
{
	int directory = entry_open_directory(ctl, STATIC_DIR);

	if (directory < 0)
		return false;
	const bool done = clients_each_entry(
		ctl, STATIC_DIR, count, operands, forget_client, &directory);
	close(directory);
	return done;
}
