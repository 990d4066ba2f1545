/* SPDX-License-Identifier: MIT */
#pragma once

#define UNIQUE_SIZE 17 /* 64 bits in hexadecimal, and a NUL */

/* Text that nobody else has, here or on another machine. 0 or -errno. */
int unique_text(char out[static UNIQUE_SIZE]);
