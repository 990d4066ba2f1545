/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Remembers which directories root and once/ are, before the sandbox is
 * entered. root must outlive the process's threads. Returns a descriptor that
 * poll(2) reports readable once outdated_check() has found another one there,
 * or -1 with errno.
 */
int outdated_open(const char *root);

/*
 * Whether root or once/ is another directory now, which the sandbox does not
 * know. Any thread may call it.
 */
bool outdated_check(void);
