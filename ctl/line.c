/* SPDX-License-Identifier: MIT */
#include "ctl/line.h"

#include <stdbool.h>

enum line line_read(FILE *file, char out[static LINE_SIZE])
{
	bool has_nul = false;
	size_t length = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		has_nul = has_nul || c == '\0';
		if (length < LINE_SIZE)
			out[length++] = (char)c;
	}
	if (c == EOF && (length == 0 || ferror(file)))
		return LINE_END;
	if (length == LINE_SIZE)
		return LINE_LONG;
	out[length] = '\0';
	return has_nul ? LINE_NUL : LINE_TEXT;
}
