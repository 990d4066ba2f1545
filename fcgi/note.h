/* SPDX-License-Identifier: MIT */
#pragma once

struct log;

/* Logs a line that belongs to no request, in the form of those that do. */
void note_log(struct log *log, const char *text);
