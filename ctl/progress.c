/* SPDX-License-Identifier: MIT */
/* A progress bar: [########------------] 8/20, and a text. */
#include "ctl/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH 20 /* characters */
#define COLUMNS_UNKNOWN 80

/* The characters that fit on a line of the terminal without wrapping. */
static int line_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS_UNKNOWN - 1;
	return size.ws_col - 1;
}

void progress_draw(size_t done, size_t total, const char *text)
{
	char line[512], bar[BAR_WIDTH + 1];

	for (size_t i = 0; i < BAR_WIDTH; i++)
		bar[i] = i * total < done * BAR_WIDTH ? '#' : '-';
	bar[BAR_WIDTH] = '\0';
	snprintf(line, sizeof line, "[%s] %zu/%zu%s", bar, done, total, text);
	/* ECMA-48, section 8.3.41: erase to the end of the line */
	printf("\r%.*s\033[K", line_width(), line);
	fflush(stdout);
}

void progress_clear(void)
{
	fputs("\r\033[K", stdout);
	fflush(stdout);
}
