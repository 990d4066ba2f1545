/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether only this machine can change the file system of an open file, so that
 * the kernel knows its state. False also for one that is not known here.
 */
bool file_system_is_local(int fd);

/* Whether a FUSE server, such as that of GlusterFS, answers for the file
 * system. */
bool file_system_is_fuse(int fd);

/*
 * What is known of a type of file system that several boot servers share, in
 * words. options are those of its mount.
 */
const char *file_system_judge(const char *type, const char *options);

#define FILE_SYSTEM_LINE_SIZE 192 /* bytes */

/*
 * Writes which file system an open file is on, and whether several boot servers
 * may share a tree there, in one line of words. Needs /proc/self/mountinfo.
 */
void file_system_describe(int fd, char out[static FILE_SYSTEM_LINE_SIZE]);
