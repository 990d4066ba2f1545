/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Holds all threads of the process, for good, to the system calls that answers
 * need. Any other one fails as unknown. 0 or -errno.
 */
int syscalls_confine(void);
