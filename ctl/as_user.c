/* SPDX-License-Identifier: MIT */
/*
 * Switches the effective user and groups to the responder's and back, so that
 * permissions are checked as the responder's are and new files get its owner.
 */
#include "ctl/as_user.h"

#include <err.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/once.h"
#include "boot/user.h"
#include "ctl/ctl.h"
#include "ctl/entries.h"
#include "ctl/responder.h"

#define GROUPS_MAX 1024

/* The effective ids of a process. */
struct user_ids {
	uid_t user;
	gid_t group;
	gid_t groups[GROUPS_MAX];
	int count; /* of groups */
	bool is_known;
};

static struct user_ids original, target;
static bool is_switched; /* the effective ids are not our own */

/* The user to become; our own where that makes no difference. */
static uid_t find_user_to_become(const struct ctl *ctl)
{
	uid_t user;

	if (ctl->user != NULL) {
		if (!user_parse(ctl->user, &user))
			errx(EX_USAGE, "-u %s: no such user", ctl->user);
		return user;
	}
	if (geteuid() == 0 &&
		entry_directory_owner(&ctl->tree, ONCE_DIR, &user) == 0)
		return user;
	return geteuid();
}

/* Looked up once, since there may be thousands of clients. False with errno. */
static bool look_up_own_ids(void)
{
	if (!original.is_known) {
		original.user = geteuid();
		original.group = getegid();
		original.count = getgroups(GROUPS_MAX, original.groups);
		original.is_known = original.count >= 0;
	}
	return original.is_known;
}

static void look_up_user_ids(uid_t user)
{
	if (!(target.is_known && target.user == user)) {
		const struct passwd *entry = getpwuid(user);
		target = (struct user_ids){.user = user,
			.group = entry == NULL ? (gid_t)user : entry->pw_gid,
			.count = entry == NULL ? 0 : GROUPS_MAX,
			.is_known = true};
		/* The groups that don't fit are left out. */
		if (entry != NULL && getgrouplist(entry->pw_name, target.group,
					     target.groups, &target.count) < 0)
			target.count = GROUPS_MAX;
	}
}

/* A service may have other groups than its user has by the group file. */
static void copy_process_ids(const struct responder *responder)
{
	target = (struct user_ids){.user = responder->user,
		.group = responder->group,
		.count = responder->group_count,
		.is_known = true};
	memcpy(target.groups, responder->groups, sizeof responder->groups);
}

/*
 * Groups first: afterwards the right to set them is gone. 0, or -1 with errno.
 */
static int set_ids(const struct user_ids *identity)
{
	if (setgroups((size_t)identity->count, identity->groups) < 0 ||
		setegid(identity->group) < 0)
		return -1;
	return seteuid(identity->user);
}

/* Become root again first, which gives the right to set the other ids. */
static void restore_own_ids(void)
{
	if (seteuid(original.user) < 0 || set_ids(&original) < 0)
		err(EX_OSERR, "cannot become root again");
}

static void become_user(
	const struct ctl *ctl, uid_t user, const struct responder *responder)
{
	static bool has_warned;

	if (user == geteuid())
		return;
	if (geteuid() != 0)
		errx(EX_USAGE, "-u %s: only root can look as another user",
			ctl->user);
	if (responder != NULL)
		copy_process_ids(responder);
	else
		look_up_user_ids(user);
	if (look_up_own_ids() && set_ids(&target) == 0) {
		is_switched = true;
		return;
	}
	if (ctl->user != NULL)
		err(EX_OSERR, "cannot become user %u", (unsigned)user);
	/* Root in a container may lack CAP_SETUID. */
	if (!has_warned)
		warn("looking at the tree as root: cannot become user %u",
			(unsigned)user);
	has_warned = true;
	if (getegid() != original.group)
		restore_own_ids();
}

void as_user_begin(const struct ctl *ctl)
{
	become_user(ctl, find_user_to_become(ctl), NULL);
}

void as_user_begin_reading(const struct ctl *ctl)
{
	const struct responder *responder = responder_of(ctl);

	if (geteuid() == 0 && responder != NULL)
		become_user(ctl, responder->user, responder);
	else
		as_user_begin(ctl);
}

void as_user_end(void)
{
	if (!is_switched)
		return;
	restore_own_ids();
	is_switched = false;
}
