/* SPDX-License-Identifier: MIT */
#pragma once

struct ctl;

/*
 * Until as_user_end(), root acts with the effective ids of the responder's
 * user: that of -u, else the owner of once/. What is made meanwhile belongs to
 * that user. Without root it does nothing. Ends the program if it can't become
 * the user of -u.
 */
void as_user_begin(const struct ctl *ctl);

/*
 * As as_user_begin(), for reading only. If a responder of the tree is found
 * running, root takes the ids of that process instead.
 */
void as_user_begin_reading(const struct ctl *ctl);

void as_user_end(void);
