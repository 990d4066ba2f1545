/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Reads what lies on a socket, which must be nothing, or one answer to the
 * request of that id, a HEAD or not. False: it does not come to its end.
 */
bool answer_read(int fd, unsigned id, bool head);
