/* SPDX-License-Identifier: MIT */
#pragma once

/* One line about the sandbox, escaped for the log. */
struct sandbox_report {
	char text[2048];
};

/* Appends to the report, after a semicolon unless empty. Cuts off. */
__attribute__((format(printf, 2, 3))) void sandbox_report_add(
	struct sandbox_report *report, const char *format, ...);
