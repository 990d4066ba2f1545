/* SPDX-License-Identifier: MIT */
/* Builds the line that reports at the start what confines the responder. */
#include "fcgi/sandbox/report.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"

void sandbox_report_add(struct sandbox_report *report, const char *format, ...)
{
	char piece[PATH_MAX + 256];
	va_list args;

	va_start(args, format);
	vsnprintf(piece, sizeof piece, format, args);
	va_end(args);

	size_t length = strlen(report->text);
	if (length > 0 && length + 2 < sizeof report->text) {
		strcpy(report->text + length, "; ");
		length += 2;
	}
	escape_line(piece, report->text + length, sizeof report->text - length);
}
