/* SPDX-License-Identifier: MIT */
#pragma once

struct ctl;

/*
 * Until as_user_end(), root acts with the effective ids of the responder's
 * user: that of -u, else the owner of once/. New files belong to that user.
 * Does nothing without root. Ends the program if root can't become -u's user.
 */
void as_user_begin(const struct ctl *ctl);

/*
 * As as_user_begin(), for reading only. If a responder of the tree is running,
 * takes the ids of that process instead.
 */
void as_user_begin_reading(const struct ctl *ctl);

void as_user_end(void);
