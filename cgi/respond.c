/* SPDX-License-Identifier: MIT */
#include "respond.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "escape.h"
#include "exchange.h"
#include "grub.h"
#include "kept.h"
#include "log.h"
#include "logline.h"
#include "redirect.h"
#include "route.h"
#include "tree.h"

/*
 * An answer whose reason is the business of the administrator alone: the
 * client gets the first text, the log the second one.
 */
static void refuse(struct exchange *x, int status, const char *text,
	const char *story, const char *value)
{
	char escaped[1024];

	escape_line(value == NULL ? "" : value, escaped, sizeof escaped);
	exchange_note(x, "- %s %s", story, escaped);
	exchange_text(x, status, text);
}

/* The grub/clear route; its answers are fixed, Missing has no "# ". */
static void clear(
	struct exchange *x, const struct tree *tree, const char *version)
{
	char path[GRUB_PATH_SIZE], text[GRUB_PATH_SIZE + 64];

	if (x->client.hex[0] == '\0' || version[0] == '\0') {
		exchange_note(x, "grub/clear %s",
			version[0] == '\0' ? "(no plain version)"
					   : "(no IPv4 address)");
		exchange_text(x, 400, "Missing");
		return;
	}
	grub_path(version, x->client.hex, path);
	int err = grub_clear(tree, path, x->head_only);

	char escaped[1024];
	escape_line(path, escaped, sizeof escaped);
	exchange_note(x, "grub/clear %s", escaped);
	if (err == 0 || err == -ENOENT) {
		snprintf(text, sizeof text, "%s %s",
			err == 0 ? "Delete" : "Missing", path);
		exchange_text(x, err == 0 ? 200 : 400, text);
		return;
	}
	exchange_note(x, ": %s", boot_reason(-err));
	snprintf(text, sizeof text, "# grub.cfg-%s: %s", x->client.hex,
		boot_reason(-err));
	exchange_text(x, boot_status(-err), text);
}

static int open_tree(
	const struct settings *settings, struct kept *kept, struct tree *out)
{
	return kept == NULL ? tree_open(settings->root, settings->allow, out)
	                    : kept_tree_open(kept, settings->root,
				      settings->allow, out);
}

static void with_tree(const struct service *service, struct kept *kept,
	struct exchange *x, const struct route *route)
{
	struct tree tree;
	int err = open_tree(&x->settings, kept, &tree);

	if (err < 0) {
		const bool passes = boot_status(-err) == 503;
		char story[256];
		snprintf(story, sizeof story,
			"cannot open the root (%s): PXESRV_ROOT is",
			strerror(-err));
		refuse(x, passes ? 503 : service->no_root_status,
			passes ? "# The boot server can't open its root "
				 "directory now"
			       : "# The boot server's root directory is not "
				 "there",
			story, x->settings.root);
		return;
	}
	if (route->kind == ROUTE_GRUB_CLEAR)
		clear(x, &tree, route->version);
	else
		redirect(x, &tree);
	tree_close(&tree);
}

static bool is_method(const struct exchange *x, const char *method)
{
	return x->vars.request_method != NULL &&
	       strcmp(x->vars.request_method, method) == 0;
}

static void answer(
	const struct service *service, struct kept *kept, struct exchange *x)
{
	struct route route;
	struct bad_setting bad;

	const bool valid = settings_overlay(&x->vars, &x->settings, &bad);
	route_find(&x->vars, &route);
	x->head_only = is_method(x, "HEAD");
	/* First of all, since each line of the log wants to name the client. */
	if (x->vars.remote_addr != NULL)
		client_parse(x->vars.remote_addr, &x->client);

	if (!valid) {
		char story[64];
		snprintf(story, sizeof story, "%s can't be", bad.name);
		refuse(x, 500, "# A setting of the boot server is wrong", story,
			bad.value);
	} else if (route.kind == ROUTE_NONE) {
		exchange_text(x, 404, "# The requested route is not available");
	} else if (!x->head_only && !is_method(x, "GET")) {
		exchange_text(x, 405, "# Only GET and HEAD are answered here");
	} else if (x->vars.remote_addr == NULL) {
		refuse(x, 500, "# The web server does not say who asks",
			"the web server must pass REMOTE_ADDR", NULL);
	} else if (x->client.name[0] == '\0') {
		refuse(x, 500, "# The web server does not say who asks",
			"the web server must pass an IP address as "
			"REMOTE_ADDR, not",
			x->vars.remote_addr);
	} else if (x->settings.root == NULL) {
		refuse(x, 500, "# The boot server has no root directory",
			"set PXESRV_ROOT, or have the web server pass "
			"DOCUMENT_ROOT",
			NULL);
	} else {
		with_tree(service, kept, x, &route);
	}
}

static void write_log(const struct service *service, const struct exchange *x,
	const char *line, size_t size)
{
	if (service->log != NULL &&
		strcmp(service->settings.log, x->settings.log) == 0) {
		log_write(service->log, line, size);
		return;
	}
	struct log log;
	log_open(x->settings.log, &log);
	log_write(&log, line, size);
	log_close(&log);
}

/* An answer may be an error since the request's own settings don't hold. */
static void note_if_bound(const struct service *service, struct exchange *x)
{
	const struct settings *started = &service->settings;

	if (service->is_bound && x->status != 200 &&
		(strcmp(x->settings.root, started->root) != 0 ||
			strcmp(x->settings.allow, started->allow) != 0))
		exchange_note(x,
			" (this responder is confined to the PXESRV_ROOT and "
			"PXESRV_ALLOW of its own environment)");
}

static int64_t nanoseconds_since(const struct timespec *start)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - start->tv_sec) * 1000000000 +
	       now.tv_nsec - start->tv_nsec;
}

void respond(const struct service *service, struct kept *kept,
	char *const env[], struct sink *sink)
{
	struct exchange x = {.sink = sink, .settings = service->settings};
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	metavars_read(env, &x.vars);
	if (x.settings.root == NULL)
		x.settings.root = x.vars.document_root;
	answer(service, kept, &x);
	note_if_bound(service, &x);

	const struct logline line = {
		.client = x.client.name[0] == '\0' ? NULL : x.client.name,
		.method = x.vars.request_method,
		.uri = x.vars.request_uri,
		.protocol = x.vars.server_protocol,
		.time = time(NULL),
		.status = x.status,
		.bytes = x.bytes,
		.nanoseconds = nanoseconds_since(&start),
		.decision = x.decision[0] == '\0' ? NULL : x.decision,
	};
	char text[LOG_LINE_MAX];
	size_t size = logline_format(&line, text);
	write_log(service, &x, text, size);
	if (service->complains && x.status == 500)
		fprintf(stderr, "pxesrv: %s\n", x.decision);
}
