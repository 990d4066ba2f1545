/* SPDX-License-Identifier: MIT */
#include "fcgi/story.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"

void story_add(struct story *story, const char *format, ...)
{
	char piece[PATH_MAX + 256];
	va_list args;

	va_start(args, format);
	vsnprintf(piece, sizeof piece, format, args);
	va_end(args);

	size_t length = strlen(story->text);
	if (length > 0 && length + 2 < sizeof story->text) {
		strcpy(story->text + length, "; ");
		length += 2;
	}
	escape_line(piece, story->text + length, sizeof story->text - length);
}
