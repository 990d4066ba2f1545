/* SPDX-License-Identifier: MIT */
#pragma once

/* What a failure means for a machine that boots. */
enum reason {
	REASON_NONE,      /* no failure */
	REASON_MISSING,   /* there is no such file */
	REASON_FORBIDDEN, /* it may not be read, or may not be a boot file */
	REASON_TEMPORARY, /* it will pass: the machine is to ask again */
};

/* The reason that an errno, which is not 0, stands for. */
enum reason reason_of(int error);

/* An errno in words: strerror(3), or better ones where those mislead. */
const char *reason_text(int error);
