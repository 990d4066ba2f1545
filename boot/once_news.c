/* SPDX-License-Identifier: MIT */
#include "boot/once_news.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static void (*listener)(const char *line, void *context);
static void *listeners;

void once_news_to(void (*tell)(const char *line, void *context), void *context)
{
	listener = tell;
	listeners = context;
}

void once_news(const char *format, ...)
{
	char line[512];
	va_list args;

	if (listener == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	listener(line, listeners);
}
