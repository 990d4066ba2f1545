/* SPDX-License-Identifier: MIT */
/* Parses users and groups by name or number, as chown(1) does. */
#include "boot/user.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>

#include "boot/number.h"

#define ID_MAX 4294967294u /* the next number means "unchanged": chown(2) */

bool user_parse(const char *text, uid_t *out)
{
	unsigned id;
	const struct passwd *user = getpwnam(text);

	if (user == NULL && !number_parse(text, 10, 0, ID_MAX, &id))
		return false;
	*out = user == NULL ? id : user->pw_uid;
	return true;
}

bool group_parse(const char *text, gid_t *out)
{
	unsigned id;
	const struct group *group = getgrnam(text);

	if (group == NULL && !number_parse(text, 10, 0, ID_MAX, &id))
		return false;
	*out = group == NULL ? id : group->gr_gid;
	return true;
}
