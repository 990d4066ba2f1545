/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Reads the name of a user, or the number of one. False: there is no such. */
bool user_parse(const char *text, uid_t *out);

/* The same of a group. */
bool group_parse(const char *text, gid_t *out);
