/* SPDX-License-Identifier: MIT */
/* The route /done, the last request of an installer. */
#include "cgi/done.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "boot/keys.h"
#include "boot/reason.h"
#include "boot/until.h"
#include "cgi/request.h"
#include "cgi/response.h"

/* error is a positive errno. */
static void send_failure(struct request *r, int status, int error,
	const char *words, const char *line)
{
	if (request_refuse_outdated(r, error))
		return; /* no test: see there */
	request_note(r, " (%s)", words);
	request_text(r, status, line);
}

static void answer_trouble(
	struct request *r, const struct keys_trouble *trouble)
{
	char line[REASON_LINE_SIZE];

	reason_line(trouble->entry, trouble->text, trouble->words, line);
	request_note(r, "done %s", trouble->entry);
	send_failure(r, response_status(trouble->reason), trouble->error,
		trouble->words, line);
}

void done_answer(struct request *r, const struct tree *tree)
{
	char path[ENTRY_PATH_SIZE], line[REASON_LINE_SIZE];
	struct keys keys;
	struct keys_trouble trouble;

	if (!keys_find(tree, &r->who, &keys, &trouble)) {
		answer_trouble(r, &trouble);
		return;
	}
	const int err = until_finish(tree, &keys, r->head_only, path);
	if (err == -ENOENT) {
		request_add(r, "done (no entry in until/)");
		request_add(r, r->who_notes);
		request_text(r, 400, "Missing");
		return;
	}
	request_note(r, "done %s", path);
	request_add(r, r->who_notes);
	if (err == 0) {
		snprintf(line, sizeof line, "Done %s", path);
		request_text(r, 200, line);
		return;
	}
	reason_line(path, "", reason_text(-err), line);
	/* Whatever it is, the machine is to try again: it is not done. */
	send_failure(r, 503, -err, reason_text(-err), line);
}
