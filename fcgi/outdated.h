/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Remembers which directories root, once/ and until/ are, before the sandbox is
 * entered. root must outlive the process's threads. Returns a descriptor that
 * poll(2) reports readable once outdated_check() has found another one there,
 * or -1 with errno.
 */
int outdated_open(const char *root);

/*
 * Whether an access was refused with this errno because root, once/ or
 * until/ is another directory now than the sandbox knows. Any thread may call
 * it.
 */
bool outdated_check(int error);
