/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Parses a user's name or number. Returns false if there is no such user. */
bool user_parse(const char *text, uid_t *out);

/* Parses a group's name or number. Returns false if there is no such group. */
bool group_parse(const char *text, gid_t *out);
