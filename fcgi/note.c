/* SPDX-License-Identifier: MIT */
#include "fcgi/note.h"

#include <time.h>

#include "cgi/log.h"
#include "cgi/logline.h"

void note_log(struct log *log, const char *text)
{
	const struct logline line = {.time = time(NULL), .decision = text};
	char bytes[LOG_LINE_MAX];

	const size_t size = logline_format(&line, bytes);

	log_write(log, bytes, size);
}
