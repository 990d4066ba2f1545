/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cgi/identify.h"

struct ctl;

#define RESPONDER_GROUPS_MAX 64

/* What a responder sees of the tree that pxesrvctl looks at. */
enum responder_sees {
	RESPONDER_SEES_TREE,         /* same root, same once/ */
	RESPONDER_SEES_OTHER_ONCE,   /* same root, another once/ */
	RESPONDER_SEES_OTHER_ROOT,   /* same path, another directory */
	RESPONDER_SEES_NOTHING_OF_IT /* its PXESRV_ROOT is another tree */
};

/* A running responder. */
struct responder {
	pid_t pid;
	enum responder_sees sees;
	int root; /* O_PATH, with the responder's mounts */
	uid_t user;
	gid_t group;
	gid_t groups[RESPONDER_GROUPS_MAX];
	int group_count;
	char named[PATH_MAX];     /* its PXESRV_ROOT */
	struct identify identify; /* its PXESRV_IDENTIFY */
	/* It is of root, of the owner of once/, of the caller, or of -u. */
	bool is_trusted;
};

/*
 * Returns the running responder of the tree, among the processes that this
 * process may inspect (root: all). NULL: none names its root in its
 * environment. With -u, only that user's. Searches at the first call, which
 * must come before as_user_begin().
 */
const struct responder *responder_of(const struct ctl *ctl);
