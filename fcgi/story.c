/* SPDX-License-Identifier: MIT */
#include "story.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

void story_add(struct story *story, const char *format, ...)
{
	char piece[PATH_MAX + 256];
	size_t length = strlen(story->text);
	va_list arguments;

	if (length > 0 && length + 2 < sizeof story->text) {
		strcpy(story->text + length, "; ");
		length += 2;
	}
	va_start(arguments, format);
	vsnprintf(piece, sizeof piece, format, arguments);
	va_end(arguments);
	escape_line(piece, story->text + length, sizeof story->text - length);
}
