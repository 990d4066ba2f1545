/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "boot/claim.h"
#include "boot/target.h"

struct tree;

enum boot_source {
	BOOT_ONCE,
	BOOT_GRACE, /* a once link, again, within PXESRV_ONCE_GRACE */
	BOOT_STATIC,
	BOOT_DEFAULT,
};

/* As the log names it: once, static, default. */
const char *boot_source_name(enum boot_source source);

/* Which boot file a client gets, or why it gets none. */
struct boot {
	enum boot_source source;
	int error;           /* 0, or the errno that is in the way */
	const char *reason;  /* the error in words */
	int status;          /* of the answer: 200, 403, 404, 503 */
	bool once_is_file;   /* once/<client> is no link, and was ignored */
	char entry[64];      /* such as once/10.0.0.7 */
	char text[PATH_MAX]; /* the entry's link as written; "": no link */
	struct target target;
	char recent[CLAIM_PATH_SIZE]; /* BOOT_GRACE: where the link lies */
};

/*
 * Decides for a client, by its canonical address: the first entry that exists
 * in once/, static/, default. Moves nothing. grace is in seconds. What comes
 * out must be given to boot_close().
 */
void boot_look(const struct tree *tree, const char *client, unsigned grace,
	struct boot *out);

/*
 * Claims the once link that boot_look() found. 0, or -ENOENT when another
 * request was faster: look again. Any other -errno: boot has the answer that
 * says so, and the link is where it was. The link that was moved is the one
 * that is served: if it was replaced since the look, boot becomes that one.
 */
int boot_claim(const struct tree *tree, const char *client, struct boot *boot,
	struct claim *claim);

/* Makes trouble that will pass the answer: 503, in the words of strerror(3). */
void boot_fail(struct boot *boot, int error);

#define BOOT_LINE_SIZE 2048 /* bytes */

/* Writes the line that a client gets for the error: entry, link and reason. */
void boot_line(const struct boot *boot, char out[static BOOT_LINE_SIZE]);

void boot_close(struct boot *boot);

/*
 * The status that an errno means for a client: 404 for what is not there, 403
 * for what may not be served, 503 for what will pass.
 */
int boot_status(int error);

/* The reason in words: strerror(3), or better ones where those mislead. */
const char *boot_reason(int error);
