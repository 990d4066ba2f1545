/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct ctl;
struct stats;

/*
 * Prints the statistics, and what the tree has, in Prometheus' text format.
 * False, with a message and before any output: the tree can't be read.
 */
bool metrics_print(struct ctl *ctl, struct stats *stats);
