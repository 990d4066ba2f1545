/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "ctl/leases.h"

/*
 * Reads JSON as Kea takes it, and writes plain JSON, to be freed: without the
 * comments of C, C++ and the shell, without a comma behind a last member, and
 * with the files that <?include "FILE"?> names. Bytes that are not ASCII become
 * question marks. Returns 0 or -errno: -EBADMSG, -EFBIG, or as leases_read().
 */
int lease_kea_text(
	FILE *file, struct lease_sink *sink, char **out, size_t *length);
