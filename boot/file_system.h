/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Whether only this machine can change the file system of an open file, so that
 * the kernel knows the state of now. False also for one that is not known here.
 */
bool file_system_is_local(int fd);
