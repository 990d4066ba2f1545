/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct service;

/*
 * Checks that the root, if one is set, can be opened. False, with a message on
 * standard error: there is nothing to serve.
 */
bool check_root(const struct service *service);

/*
 * Checks the log and the tree in the settings; reports problems on standard
 * error. True: nothing prevents answers.
 */
bool check_all(const struct service *service);

/*
 * Makes the parts of once/, and until/.done; logs the claims that a crash left.
 * From here on, once_report() writes to the log.
 */
void prepare_tree(const struct service *service);
