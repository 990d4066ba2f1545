/* SPDX-License-Identifier: MIT */
#include "root_limit.h"

#include <stdint.h>

/* By the FNV-1a hash of its path. */
static atomic_uint *inside(struct root_limit *limit, const char *root)
{
	uint32_t hash = 2166136261u;

	for (; *root != '\0'; root++)
		hash = (hash ^ (unsigned char)*root) * 16777619u;
	return &limit->inside[hash % ROOT_LIMIT_SLOTS];
}

bool root_limit_enter(struct root_limit *limit, const char *root)
{
	atomic_uint *count = inside(limit, root);

	if (atomic_fetch_add(count, 1) < limit->most)
		return true;
	atomic_fetch_sub(count, 1);
	return false;
}

void root_limit_leave(struct root_limit *limit, const char *root)
{
	atomic_fetch_sub(inside(limit, root), 1);
}
