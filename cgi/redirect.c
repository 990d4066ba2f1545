/* SPDX-License-Identifier: MIT */
#include "cgi/redirect.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/escape.h"
#include "boot/grace.h"
#include "boot/kept.h"
#include "boot/tree.h"
#include "cgi/exchange.h"
#include "cgi/response.h"
#include "cgi/sink.h"

/* Answers that are overtaken this often are a fault, not a race. */
#define LOOKS_MAX 100

/* As nginx logs it when the client is gone before it got an answer. */
#define STATUS_PEER_GONE 499

/* What the entry points at, for the log, as it counts from the root. */
static void write_target(const struct tree *tree, const struct boot *boot,
	char *out, size_t size)
{
	char name[PATH_MAX + sizeof boot->entry];
	const char *slash = strrchr(boot->entry, '/');
	const char *text = boot->text;
	const char *inside = tree_strip(tree, text);

	if (text[0] == '\0')
		text = boot->entry;
	else if (text[0] == '/')
		text = inside != NULL ? inside : text;
	else if (slash != NULL && strncmp(text, "../", 3) == 0)
		text += 3; /* once/.. is the root */
	else if (slash != NULL) {
		snprintf(name, sizeof name, "%.*s/%s",
			(int)(slash - boot->entry), boot->entry, text);
		text = name;
	}
	escape_line(text, out, size);
}

static void note_boot(
	struct exchange *x, const struct tree *tree, const struct boot *boot)
{
	char target[1024];

	write_target(tree, boot, target, sizeof target);
	/* Every request comes here, so not by printf(3). */
	exchange_add(x, boot_source_name(boot->source));
	exchange_add(x, " ");
	exchange_add(x, target);
	if (boot->source == BOOT_GRACE)
		exchange_note(x, " (again, by PXESRV_ONCE_GRACE)");
	if (boot->once_is_file)
		exchange_note(
			x, " (once/%s is no link: ignored)", x->client.name);
}

/* The error of boot, as a line for the client and for the log. */
static void refuse(struct exchange *x, const struct boot *boot)
{
	char line[BOOT_LINE_SIZE];

	boot_line(boot, line);
	exchange_note(x, ": %s", boot->reason);
	exchange_text(x, boot->status, line);
}

/*
 * Whether a path can stand in X-Sendfile as it is. lighttpd decodes what is
 * there, Apache's mod_xsendfile does not: "%" would mean two things.
 */
static bool is_plain_path(const char *path)
{
	for (; *path != '\0'; path++) {
		if ((unsigned char)*path < ' ' || *path == 0x7f || *path == '%')
			return false;
	}
	return true;
}

/* The header that makes the web server send the file; false: it can't. */
static bool write_offload(const struct exchange *x, const struct tree *tree,
	int fd, char *out, size_t size)
{
	static const char accel[] = "X-Accel-Redirect: /";
	static const char sendfile[] = "X-Sendfile: ";
	char path[PATH_MAX];

	if (x->settings.send == SEND_X_SENDFILE)
		return tree_absolute(fd, path, sizeof path) == 0 &&
		       is_plain_path(path) &&
		       snprintf(out, size, "%s%s", sendfile, path) < (int)size;
	/* nginx takes a path beneath its root only. */
	if (tree_name(tree, fd, path, sizeof path) < 0 || path[0] == '/')
		return false;
	strcpy(out, accel);
	return escape_path(path, out + strlen(accel), size - strlen(accel)) > 0;
}

/* Lets the web server send the file, or sends it where that can't. */
static long long offload(
	struct exchange *x, const struct tree *tree, struct target *target)
{
	char header[3 * PATH_MAX + 32];

	if (!write_offload(x, tree, target->fd, header, sizeof header))
		return response_file(x->sink, target, false, &x->bytes);
	return response_offload(x->sink, header, target->type);
}

/*
 * Sends the file. Returns what the sink's send() does, or RESPONSE_NOTHING:
 * then the error is in boot.
 */
static long long send_file(
	struct exchange *x, const struct tree *tree, struct boot *boot)
{
	long long missing;

	x->status = 200;
	/* A HEAD has nothing to offload, and the length is known here. */
	if (x->settings.send == SEND_INLINE || x->head_only)
		missing = response_file(
			x->sink, &boot->target, x->head_only, &x->bytes);
	else
		missing = offload(x, tree, &boot->target);

	if (missing == RESPONSE_NOTHING)
		boot_fail(boot, errno);
	if (boot->target.fd < 0)
		kept_forget_target(tree, &boot->target);
	return missing;
}

/* What became of a claim that is over, if it is not what it should be. */
static void note_settled(struct exchange *x, const struct claim *claim, int err)
{
	if (err == -ENOSPC || err == -EDQUOT)
		exchange_note(x, " (%s: the link was removed)", strerror(-err));
	else if (err == -EEXIST)
		exchange_note(x, " (left at %s)", claim->path);
	else if (err < 0 && err != -ENOENT)
		exchange_note(x, " (%s: the link stays at %s)", strerror(-err),
			claim->path);
}

/* Puts a link back whose answer was not delivered. */
static void put_back(
	struct exchange *x, const struct tree *tree, const struct claim *claim)
{
	int err = claim_return(tree, claim);

	if (err == 0) {
		exchange_note(x, " (not delivered: armed again)");
	} else if (err == -ENOENT) {
		exchange_note(x, " (not delivered: left to PXESRV_ONCE_GRACE)");
	} else if (err == -EEXIST) {
		exchange_note(x, " (not delivered: armed anew meanwhile)");
		note_settled(x, claim, claim_retire(tree, claim));
	} else {
		exchange_note(x, " (not delivered: %s; left at %s)",
			strerror(-err), claim->path);
	}
}

void redirect_settle(
	struct exchange *x, const struct tree *tree, long long missing)
{
	exchange_sent(x, missing);
	if (!x->has_claim)
		return;
	x->has_claim = false;
	if (missing == 0)
		note_settled(x, &x->claim, claim_served(tree, &x->claim));
	else
		put_back(x, tree, &x->claim);
}

static void answer_unclaimed(
	struct exchange *x, const struct tree *tree, struct boot *boot)
{
	note_boot(x, tree, boot);
	const long long missing =
		boot->error == 0 ? send_file(x, tree, boot) : RESPONSE_NOTHING;
	if (missing == RESPONSE_NOTHING)
		refuse(x, boot);
	else
		exchange_sent(x, missing);
}

/* Answers again what was claimed before. False: look again. */
static bool answer_grace(
	struct exchange *x, const struct tree *tree, struct boot *boot)
{
	if (x->sink->is_gone(x->sink)) {
		note_boot(x, tree, boot);
		exchange_note(x, " (the peer has hung up)");
		x->status = STATUS_PEER_GONE;
		return true;
	}
	int err = grace_settle(tree, x->client.name, boot->recent);
	if (err == -ENOENT)
		return false;
	/* On a full disk the link was removed: that is settled, too. */
	if (err < 0 && err != -ENOSPC && err != -EDQUOT)
		boot_fail(boot, -err);
	answer_unclaimed(x, tree, boot);
	return true;
}

static void answer_claimed(
	struct exchange *x, struct tree *tree, struct boot *boot)
{
	note_boot(x, tree, boot);
	/* The lock may have been waited for. */
	if (x->sink->is_gone(x->sink)) {
		x->status = STATUS_PEER_GONE;
		put_back(x, tree, &x->claim);
		return;
	}
	const long long missing = send_file(x, tree, boot);
	if (missing == RESPONSE_NOTHING) {
		/* First the link: the client asks again when it has this. */
		put_back(x, tree, &x->claim);
		refuse(x, boot);
		return;
	}
	x->has_claim = true;
	if (missing != SINK_LATER) {
		redirect_settle(x, tree, missing);
		return;
	}
	exchange_sent(x, missing);
	x->root = kept_give_root(tree);
}

/* Claims what boot_look() found and answers. False: look again. */
static bool answer_once(
	struct exchange *x, struct tree *tree, struct boot *boot)
{
	if (x->sink->is_gone(x->sink)) {
		note_boot(x, tree, boot);
		exchange_note(x, " (the peer has hung up: still armed)");
		x->status = STATUS_PEER_GONE;
		return true;
	}
	int err = boot_claim(tree, x->client.name, boot, &x->claim);
	if (err == -ENOENT)
		return false;
	if (err < 0)
		answer_unclaimed(x, tree, boot);
	else
		answer_claimed(x, tree, boot);
	return true;
}

void redirect(struct exchange *x, struct tree *tree)
{
	struct boot boot;

	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		bool answered = true;

		boot_look(tree, x->client.name, x->settings.grace, &boot);
		const bool moves = boot.error == 0 && !x->head_only;
		if (moves && boot.source == BOOT_ONCE)
			answered = answer_once(x, tree, &boot);
		else if (moves && boot.source == BOOT_GRACE)
			answered = answer_grace(x, tree, &boot);
		else
			answer_unclaimed(x, tree, &boot);
		boot_close(&boot);
		if (answered)
			return;
	}
	exchange_text(x, 503, "# The entry in once/ changes all the time");
}
