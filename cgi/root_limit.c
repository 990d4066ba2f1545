/* SPDX-License-Identifier: MIT */
#include "root_limit.h"

#include <stddef.h>
#include <stdint.h>

/* By the FNV-1a hash of its path. */
static atomic_uint *inside(struct root_limit *limit, const char *root)
{
	uint32_t hash = 2166136261U;

	for (; *root != '\0'; root++)
		hash = (hash ^ (unsigned char)*root) * 16777619U;
	return &limit->inside[hash % ROOT_LIMIT_SLOTS];
}

/* Where the thread is counted; NULL: nowhere. */
static _Thread_local atomic_uint *counted;

bool root_limit_enter(struct root_limit *limit, const char *root)
{
	atomic_uint *count = inside(limit, root);

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
