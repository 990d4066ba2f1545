/* SPDX-License-Identifier: MIT */
/*
 * The route /redirect: decides, claims, sends, and settles the claim. A link is
 * served if the answer was delivered, else armed again. An answer that goes on
 * after redirect_answer() is settled by redirect_settle().
 */
#include "cgi/redirect.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/grace.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "cgi/request.h"
#include "cgi/response.h"
#include "cgi/sink.h"

/* No race explains more retries. */
#define DECISIONS_MAX 100

/* nginx's status for a peer that hung up before the answer */
#define STATUS_PEER_GONE 499

/* Writes the target of the entry for the log, relative to the root. */
static void write_target_name(const struct tree *tree,
	const struct decision *decision, char *out, size_t size)
{
	char name[PATH_MAX + sizeof decision->entry];
	const char *slash = strrchr(decision->entry, '/');
	const char *text = decision->link_text;
	const char *inside = tree_strip(tree, text);

	if (text[0] == '\0' || decision->source == SOURCE_NAMES)
		text = decision->entry;
	else if (text[0] == '/')
		text = inside != NULL ? inside : text;
	else if (slash != NULL && strncmp(text, "../", 3) == 0)
		text += 3; /* once/.. is the root */
	else if (slash != NULL) {
		snprintf(name, sizeof name, "%.*s/%s",
			(int)(slash - decision->entry), decision->entry, text);
		text = name;
	}
	escape_word(text, out, size);
}

static void note_decision(struct request *r, const struct tree *tree,
	const struct decision *decision)
{
	char target[1024];

	write_target_name(tree, decision, target, sizeof target);
	/* Each request gets here: printf(3) would be too slow. */
	request_add(r, source_name(decision->source));
	request_add(r, " ");
	request_add(r, target);
	if (decision->key[0] != '\0' &&
		strcmp(decision->key, r->client.key) != 0) {
		request_add(r, " ");
		request_add(r, decision->key);
	}
	if (decision->source == SOURCE_GRACE)
		request_note(r, " (again, by PXESRV_ONCE_GRACE)");
	for (unsigned i = 0; i < decision->ignored_count; i++)
		request_note(r, " (%s %s: ignored)", decision->ignored[i].path,
			decision->ignored[i].why);
	request_add(r, r->who_notes);
}

static void send_decision_error(
	struct request *r, const struct decision *decision)
{
	char line[REASON_LINE_SIZE];

	if (request_refuse_outdated(r, decision->error))
		return; /* no test: see there */
	reason_line(
		decision->entry, decision->link_text, decision->words, line);
	request_note(r, " (%s)", decision->words);
	request_text(r, response_status(decision->reason), line);
}

/*
 * Whether a path means the same to lighttpd, which decodes X-Sendfile, and to
 * Apache's mod_xsendfile, which does not.
 */
static bool is_plain_path(const char *path)
{
	for (; *path != '\0'; path++) {
		if ((unsigned char)*path < ' ' || *path == 0x7f || *path == '%')
			return false;
	}
	return true;
}

/* Writes the header that makes the web server send the file. False: can't. */
static bool write_send_header(const struct request *r, const struct tree *tree,
	int fd, char *out, size_t size)
{
	static const char accel[] = "X-Accel-Redirect: /";
	static const char sendfile[] = "X-Sendfile: ";
	char path[PATH_MAX];

	if (r->settings.send == SEND_X_SENDFILE)
		return tree_absolute_path(fd, path, sizeof path) == 0 &&
		       is_plain_path(path) &&
		       snprintf(out, size, "%s%s", sendfile, path) < (int)size;
	/* nginx takes only a path beneath its root. */
	if (tree_relative_path(tree, fd, path, sizeof path) < 0 ||
		path[0] == '/')
		return false;
	strcpy(out, accel);
	return escape_path(path, out + strlen(accel), size - strlen(accel)) > 0;
}

/* Has the web server send the file, or sends it if the server can't. */
static long long let_server_send(
	struct request *r, const struct tree *tree, struct target *target)
{
	char header[3 * PATH_MAX + 32];

	if (!write_send_header(r, tree, target->fd, header, sizeof header))
		return response_file(r->sink, target, false, &r->bytes);
	return response_offload(r->sink, header, target->type);
}

/* Returns as the sink's send(); or RESPONSE_NOTHING, with decision->error. */
static long long send_boot_file(
	struct request *r, const struct tree *tree, struct decision *decision)
{
	long long undelivered;

	r->status = 200;
	/* A HEAD has no body to offload, and its length is known here. */
	if (r->settings.send == SEND_INLINE || r->head_only)
		undelivered = response_file(
			r->sink, &decision->target, r->head_only, &r->bytes);
	else
		undelivered = let_server_send(r, tree, &decision->target);

	if (undelivered == RESPONSE_NOTHING)
		decision_fail(decision, errno);
	return undelivered;
}

/* Notes for the log how a claim ended, unless it ended as expected. */
static void note_claim_end(
	struct request *r, const struct claim *claim, int err)
{
	if (err == -ENOSPC || err == -EDQUOT)
		/* rare: needs a full disk */
		request_note(r, " (%s: the link was removed)", strerror(-err));
	else if (err == -EEXIST)
		/* rare: a later claim has overtaken it */
		request_note(r, " (left at %s)", claim->path);
	else if (err < 0 && err != -ENOENT)
		request_note(r, " (%s: the link stays at %s)", strerror(-err),
			claim->path);
}

static void put_claim_back(
	struct request *r, const struct tree *tree, const struct claim *claim)
{
	bool is_overtaken;
	int err = claim_put_back(tree, claim, &is_overtaken);

	if (is_overtaken) {
		request_note(r, " (not delivered: armed anew meanwhile)");
		note_claim_end(r, claim, err);
	} else if (err == 0) {
		request_note(r, " (not delivered: armed again)");
	} else if (err == -ENOENT) {
		request_note(r,
			" (not delivered: answered again by PXESRV_ONCE_GRACE)");
	} else {
		request_note(r, " (not delivered: %s; left at %s)",
			strerror(-err), claim->path);
	}
}

void redirect_settle(
	struct request *r, const struct tree *tree, long long undelivered)
{
	request_note_undelivered(r, undelivered);
	if (!r->has_claim)
		return;
	r->has_claim = false;
	if (undelivered == 0)
		note_claim_end(r, &r->claim, claim_served(tree, &r->claim));
	else
		put_claim_back(r, tree, &r->claim);
}

static void answer_unclaimed(
	struct request *r, const struct tree *tree, struct decision *decision)
{
	note_decision(r, tree, decision);
	const long long undelivered =
		decision->error == 0 ? send_boot_file(r, tree, decision)
				     : RESPONSE_NOTHING;
	if (undelivered == RESPONSE_NOTHING)
		send_decision_error(r, decision);
	else
		request_note_undelivered(r, undelivered);
}

/* Repeats the answer of an earlier claim. False: decide again. */
static bool answer_grace(
	struct request *r, const struct tree *tree, struct decision *decision)
{
	if (r->sink->is_gone(r->sink)) {
		/* rare: the peer hung up while a grace was looked for */
		note_decision(r, tree, decision);
		request_note(r, " (the peer has hung up)");
		r->status = STATUS_PEER_GONE;
		return true;
	}
	int err = grace_retire_claim(tree, decision->key, decision->grace_path);
	if (err == -ENOENT)
		return false; /* rare: the claim has moved on */
	/* ENOSPC, EDQUOT: the link was removed, so the claim is settled. */
	if (err < 0 && err != -ENOSPC && err != -EDQUOT)
		decision_fail(decision, -err); /* rare: the claim is stuck */
	answer_unclaimed(r, tree, decision);
	return true;
}

static void answer_claimed(
	struct request *r, struct tree *tree, struct decision *decision)
{
	note_decision(r, tree, decision);
	/* The wait for the lock may have taken a while. */
	if (r->sink->is_gone(r->sink)) {
		r->status = STATUS_PEER_GONE;
		put_claim_back(r, tree, &r->claim);
		return;
	}
	const long long undelivered = send_boot_file(r, tree, decision);
	if (undelivered == RESPONSE_NOTHING) {
		/* Arm first: the client asks again after the error. */
		put_claim_back(r, tree, &r->claim);
		send_decision_error(r, decision);
		return;
	}
	r->has_claim = true;
	if (undelivered != SINK_LATER) {
		redirect_settle(r, tree, undelivered);
		return;
	}
	request_note_undelivered(r, undelivered);
	r->root_fd = tree_take_root(tree);
}

/* Claims the decision's link and answers. False: decide again. */
static bool answer_once(
	struct request *r, struct tree *tree, struct decision *decision)
{
	if (r->sink->is_gone(r->sink)) {
		note_decision(r, tree, decision);
		request_note(r, " (the peer has hung up: still armed)");
		r->status = STATUS_PEER_GONE;
		return true;
	}
	int err = decision_claim(tree, decision, &r->claim);
	if (err == -ENOENT)
		return false;
	if (err < 0)
		answer_unclaimed(r, tree, decision);
	else
		answer_claimed(r, tree, decision);
	return true;
}

void redirect_answer(struct request *r, struct tree *tree)
{
	struct decision decision;

	for (int i = 0; i < DECISIONS_MAX; i++) {
		bool answered = true;

		decision_make(tree, &r->who, &r->settings.once, &decision);
		const bool moves = decision.error == 0 && !r->head_only;
		if (moves && decision.source == SOURCE_ONCE)
			answered = answer_once(r, tree, &decision);
		else if (moves && decision.source == SOURCE_GRACE)
			answered = answer_grace(r, tree, &decision);
		else
			answer_unclaimed(r, tree, &decision);
		decision_close(tree, &decision);
		if (answered)
			return;
	}
	/* rare: it was replaced each time */
	request_text(r, 503, "# The entry in once/ keeps changing");
}
