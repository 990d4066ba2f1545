/* SPDX-License-Identifier: MIT */
#pragma once

struct ctl;

/*
 * Until eyes_close() this process sees the tree as the user does whom the
 * responder runs as: -u, or, for root, the owner of once/. For others it
 * changes nothing. What is made then belongs to that user. Ends the program
 * when it can't be.
 */
void eyes_open(const struct ctl *ctl);

/*
 * The same to look only: when the responder of the tree is seen to run, root
 * sees the tree with the rights of that process.
 */
void eyes_open_to_look(const struct ctl *ctl);

void eyes_close(void);
