/* SPDX-License-Identifier: MIT */
#pragma once

struct tree;

/* Tells when once/ or until/ may have changed, where the kernel knows. */
struct watch {
	int inotify; /* poll(2) it; -1: look again and again instead */
};

void watch_open(struct watch *out);

void watch_close(struct watch *watch);

/*
 * Watches the directories of the tree that exist now, and forgets what has
 * happened so far. Call it before each look, so that nothing is missed. Where
 * the kernel can't watch one of them, closes watch->inotify for good: another
 * machine may change a network file system, and nobody tells us.
 */
void watch_renew(struct watch *watch, const struct tree *tree);
