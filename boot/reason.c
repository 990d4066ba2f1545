/* SPDX-License-Identifier: MIT */
/* Maps an errno to the reason why a client gets no boot file. */
#include "boot/reason.h"

#include <errno.h>
#include <string.h>

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
