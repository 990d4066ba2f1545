/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <sys/types.h>

struct ctl;

#define RESPONDER_GROUPS_MAX 64

/* What a responder sees of the tree that pxesrvctl looks at. */
enum responder_sees {
	RESPONDER_SEES_TREE,         /* the same root, the same once/ */
	RESPONDER_SEES_OTHER_ONCE,   /* the same root, but another once/ */
	RESPONDER_SEES_OTHER_ROOT,   /* another directory by this path */
	RESPONDER_SEES_NOTHING_OF_IT /* its PXESRV_ROOT is another tree */
};

/* A running responder. */
struct responder {
	pid_t pid;
	enum responder_sees sees;
	int root; /* O_PATH, as mounted for the responder */
	uid_t user;
	gid_t group;
	gid_t groups[RESPONDER_GROUPS_MAX];
	int group_count;
	char named[PATH_MAX]; /* its PXESRV_ROOT */
};

/*
 * The running responder of the tree, among the processes that this process may
 * inspect: all of them for root. NULL: none that names its root in its
 * environment. With -u, only one of that user. The search is made once, at the
 * first call, which must come before as_user_begin().
 */
const struct responder *responder_of(const struct ctl *ctl);
