/* SPDX-License-Identifier: MIT */
/* Maps an errno to the reason why a client gets no boot file. */
#include "boot/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"

enum reason reason_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return REASON_MISSING;
	case EACCES:
	case EPERM:
	case EISDIR:
	case ENXIO:
	case ENODEV:
	case EXDEV:
		return REASON_FORBIDDEN;
	default:
		return REASON_TEMPORARY;
	}
}

const char *reason_text(int error)
{
	switch (error) {
	case ENXIO:
	case ENODEV:
		return "Not a regular file";
	case EXDEV:
		return "Outside the directories that files may come from";
	default:
		return strerror(error);
	}
}

void reason_line(const char *entry, const char *link_text, const char *words,
	char out[static REASON_LINE_SIZE])
{
	char escaped[1024];

	escape_line(link_text, escaped, sizeof escaped);
	snprintf(out, REASON_LINE_SIZE, "# %s%s%s: %s", entry,
		escaped[0] == '\0' ? "" : " -> ", escaped, words);
}
