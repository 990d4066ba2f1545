/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * A progress bar on the last line of a terminal, which standard output must be.
 * Clear it before you print anything else.
 */

/* Draws the bar, the two numbers and a text, cut off at the right margin. */
void progress_draw(size_t done, size_t total, const char *text);

void progress_clear(void);
