/* SPDX-License-Identifier: MIT */
#pragma once

/* What the start has to tell, on one line, escaped for the log. */
struct sandbox_report {
	char text[2048];
};

/* Adds to it, after a semicolon if there is something. It cuts off. */
__attribute__((format(printf, 2, 3))) void sandbox_report_add(
	struct sandbox_report *report, const char *format, ...);
