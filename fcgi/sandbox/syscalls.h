/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Confines all threads, for good, to the system calls that answers need. Any
 * other call fails as unknown. Returns 0 or -errno.
 */
int syscalls_confine(void);
