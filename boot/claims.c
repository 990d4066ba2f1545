/* SPDX-License-Identifier: MIT */
#include "boot/claims.h"

#include <errno.h>
#include <string.h>

#include "boot/claim.h"
#include "boot/once_lock.h"
#include "boot/tree.h"

bool claims_is_of(const char *name, const char *client)
{
	const char *dot = strrchr(name, '.');
	size_t length = strlen(client);

	return dot != NULL && (size_t)(dot - name) == length &&
	       strncmp(name, client, length) == 0;
}

int claims_prepare(const struct tree *tree)
{
	int lock = once_lock(tree);
	if (lock == -ENOENT) /* no once/: nobody is armed */
		return 0;
	if (lock < 0)
		return lock;
	int err = once_parts_make(tree);
	once_unlock(tree, lock);
	return err;
}

int claims_each(const struct tree *tree,
	void (*found)(const char *name, void *context), void *context)
{
	int err = once_part_check(tree, CLAIMED_DIR);

	/* What others have put in its place has no claims. */
	if (err == -ENOENT || once_part_is_other(err))
		return 0;
	if (err < 0)
		return err;
	return tree_each(tree, CLAIMED_DIR, found, context);
}
