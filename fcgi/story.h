/* SPDX-License-Identifier: MIT */
#pragma once

/* What the start has to tell, on one line, escaped for the log. */
struct story {
	char text[2048];
};

/* Adds to it, after a semicolon if there is something. It cuts off. */
__attribute__((format(printf, 2, 3))) void story_add(
	struct story *story, const char *format, ...);
