/* SPDX-License-Identifier: MIT */
#include "eyes.h"

#include <err.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "claim.h"
#include "ctl.h"
#include "number.h"

#define ID_MAX 4294967294u /* the one above means "leave it": chown(2) */

static uid_t parse_user(const char *name)
{
	unsigned id;
	const struct passwd *user = getpwnam(name);

	if (user != NULL)
		return user->pw_uid;
	if (!number_parse(name, 10, 0, ID_MAX, &id))
		errx(EX_USAGE, "-u %s: no such user", name);
	return id;
}

static bool are_others; /* the eyes of somebody else */

/* The user to look as; the own one when that makes no difference. */
static uid_t find_user(const struct ctl *ctl)
{
	struct stat once;

	if (ctl->user != NULL)
		return parse_user(ctl->user);
	if (geteuid() == 0 && fstatat(ctl->tree.root, ONCE_DIR, &once, 0) == 0)
		return once.st_uid;
	return geteuid();
}

/* First the groups: afterwards it may not any more. 0, or -1 with errno. */
static int become(uid_t user)
{
	const struct passwd *entry = getpwuid(user);
	const gid_t group = entry != NULL ? entry->pw_gid : (gid_t)user;
	const int groups = entry != NULL ? initgroups(entry->pw_name, group)
	                                 : setgroups(0, NULL);

	return groups < 0 || setegid(group) < 0 ? -1 : seteuid(user);
}

void eyes_open(const struct ctl *ctl)
{
	const uid_t user = find_user(ctl);

	if (user == geteuid())
		return;
	if (geteuid() != 0)
		errx(EX_USAGE, "-u %s: only root can look as another user",
			ctl->user);
	if (become(user) < 0)
		err(EX_OSERR, "cannot become user %u", (unsigned)user);
	are_others = true;
}

void eyes_close(void)
{
	if (!are_others)
		return;
	if (seteuid(0) < 0 || become(0) < 0)
		err(EX_OSERR, "cannot become root again");
	are_others = false;
}
