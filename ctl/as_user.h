/* SPDX-License-Identifier: MIT */
#pragma once

struct ctl;

/*
 * Until as_user_end() this process sees the tree as the user does whom the
 * responder runs as: -u, or, for root, the owner of once/. For others it
 * changes nothing. What is made then belongs to that user. Ends the program
 * when it can't be.
 */
void as_user_begin(const struct ctl *ctl);

/*
 * The same to look only: when the responder of the tree is seen to run, root
 * sees the tree with the rights of that process.
 */
void as_user_begin_reading(const struct ctl *ctl);

void as_user_end(void);
