/* SPDX-License-Identifier: MIT */
/* Counts the threads in each root; root_limit.h says why. */
#include "boot/root_limit.h"

#include <stddef.h>

#include "boot/text.h"

/* The counter that includes the calling thread, or NULL. */
static _Thread_local atomic_uint *counted;

bool root_limit_enter(struct root_limit *limit, const char *root)
{
	atomic_uint *count = &limit->inside[text_slot(root, ROOT_LIMIT_SLOTS)];

	if (atomic_fetch_add(count, 1) >= limit->most) {
		atomic_fetch_sub(count, 1);
		return false;
	}
	counted = count;
	return true;
}

void root_limit_leave(void)
{
	if (counted != NULL)
		atomic_fetch_sub(counted, 1);
	counted = NULL;
}

void root_limit_pause(void)
{
	if (counted != NULL)
		atomic_fetch_sub(counted, 1);
}

void root_limit_resume(void)
{
	if (counted != NULL)
		atomic_fetch_add(counted, 1);
}
