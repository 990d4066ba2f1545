/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct service;

/*
 * Checks that the root, where one is set, can be opened. Without it, there is
 * nothing to serve. False, with a message on standard error, when it can't.
 */
bool check_root(const struct service *service);

/*
 * Checks the log and the tree that the settings name, and says on standard
 * error what is wrong. True when nothing stands in the way of answers.
 */
bool check_all(const struct service *service);

/*
 * Makes the parts of once/, and logs the claims that a crash has left. From
 * here on once_report() writes to the log.
 */
void prepare_claims(const struct service *service);
