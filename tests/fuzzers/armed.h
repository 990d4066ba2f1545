/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Bytes: more than a socket takes. Only one who is armed can get so many. */
#define ARMED_LARGE 100000

/* Makes a tree with armed clients. */
void armed_make(void);

/*
 * Checks that each once link is either armed or served, and none is left
 * claimed; then arms all again. Returns how many were served.
 */
size_t armed_restore(void);
