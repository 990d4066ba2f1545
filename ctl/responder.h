/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <sys/types.h>

struct ctl;

#define RESPONDER_GROUPS_MAX 64

/* What a responder sees of the tree that this program looks at. */
enum responder_sees {
	RESPONDER_SEES_TREE,         /* the same root, the same once/ */
	RESPONDER_SEES_OTHER_ONCE,   /* the same root, but once/ is another */
	RESPONDER_SEES_OTHER_ROOT,   /* another directory by the same name */
	RESPONDER_SEES_NOTHING_OF_IT /* its PXESRV_ROOT is another tree */
};

/* A responder that runs on this machine. */
struct responder {
	pid_t pid;
	enum responder_sees sees;
	int root; /* O_PATH: the root as it is mounted there */
	uid_t user;
	gid_t group;
	gid_t groups[RESPONDER_GROUPS_MAX];
	int group_count;
	char named[PATH_MAX]; /* its PXESRV_ROOT */
};

/*
 * The responder of the tree, if one runs that this process may look at: root
 * may look at all, others at their own. NULL: there is none, or none that names
 * its root in its environment. With -u it is one of that user. It is looked for
 * once; before anybody else's eyes are opened.
 */
const struct responder *responder_of(const struct ctl *ctl);
