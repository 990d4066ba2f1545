/* SPDX-License-Identifier: MIT */
#include "cgi/respond.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "boot/decision.h"
#include "boot/escape.h"
#include "boot/grub.h"
#include "boot/kept.h"
#include "boot/root_limit.h"
#include "boot/tree.h"
#include "cgi/exchange.h"
#include "cgi/log.h"
#include "cgi/logline.h"
#include "cgi/redirect.h"
#include "cgi/route.h"
#include "cgi/sink.h"

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

/* The same, unless its file system holds too many already. */
static void with_limit(const struct service *service, struct kept *kept,
	struct exchange *x, const struct route *route)
{
	const char *root = x->settings.root;

	if (service->limit == NULL) {
		with_tree(service, kept, x, route);
	} else if (root_limit_enter(service->limit, root)) {
		with_tree(service, kept, x, route);
		root_limit_leave();
	} else {
		refuse(x, 503, "# The boot server's disk does not answer now",
			"too many requests wait for the file system of", root);
	}
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
		with_limit(service, kept, x, &route);
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

static void log_exchange(const struct service *service,
	const struct exchange *x, const struct timespec *start)
{
	const struct logline line = {
		.client = x->client.name[0] == '\0' ? NULL : x->client.name,
		.method = x->vars.request_method,
		.uri = x->vars.request_uri,
		.protocol = x->vars.server_protocol,
		.time = time(NULL),
		.status = x->status,
		.bytes = x->bytes,
		.nanoseconds = nanoseconds_since(start),
		.decision = x->decision[0] == '\0' ? NULL : x->decision,
	};
	char text[LOG_LINE_MAX];
	size_t size = logline_format(&line, text);
	write_log(service, x, text, size);
	if (service->complains && x->status == 500)
		fprintf(stderr, "pxesrv: %s\n", x->decision);
}

struct unsettled {
	const struct service *service;
	struct exchange x;
	struct timespec start;
	char strings[]; /* what x points to: the request's own are gone then */
};

/* Copies a string behind the others, cut off to what the log has of it. */
static const char *keep_string(char **at, const char *text)
{
	if (text == NULL)
		return NULL;
	const char *copy = *at;
	const size_t length = strnlen(text, LOG_LINE_MAX);

	memcpy(*at, text, length);
	(*at)[length] = '\0';
	*at += length + 1;
	return copy;
}

static size_t string_size(const char *text)
{
	return text == NULL ? 0 : strnlen(text, LOG_LINE_MAX) + 1;
}

/* NULL: there is no memory. */
static struct unsettled *keep(const struct service *service,
	const struct exchange *x, const struct timespec *start)
{
	const size_t size = string_size(x->vars.request_method) +
	                    string_size(x->vars.request_uri) +
	                    string_size(x->vars.server_protocol) +
	                    string_size(x->settings.log) +
	                    string_size(x->settings.root);
	struct unsettled *kept = malloc(sizeof *kept + size);
	if (kept == NULL)
		return NULL;

	char *at = kept->strings;
	kept->service = service;
	kept->start = *start;
	kept->x = *x;
	kept->x.sink = NULL;
	kept->x.vars = (struct metavars){
		.request_method = keep_string(&at, x->vars.request_method),
		.request_uri = keep_string(&at, x->vars.request_uri),
		.server_protocol = keep_string(&at, x->vars.server_protocol),
	};
	kept->x.settings.log = keep_string(&at, x->settings.log);
	kept->x.settings.root = keep_string(&at, x->settings.root);
	kept->x.settings.allow = "";
	return kept;
}

/* The end of a request: of its claim, its root, and its line in the log. */
static void settle(const struct service *service, struct exchange *x,
	const struct timespec *start, long long missing)
{
	struct tree tree = {
		.root = x->root, .path = x->settings.root, .allow = ""};

	redirect_settle(x, &tree, missing);
	if (x->root >= 0)
		close(x->root);
	log_exchange(service, x, start);
}

struct unsettled *respond(const struct service *service, struct kept *kept,
	char *const env[], struct sink *sink)
{
	struct exchange x = {
		.sink = sink, .settings = service->settings, .root = -1};
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	metavars_read(env, &x.vars);
	if (x.settings.root == NULL)
		x.settings.root = x.vars.document_root;
	answer(service, kept, &x);
	note_if_bound(service, &x);
	if (!x.is_later) {
		log_exchange(service, &x, &start);
		return NULL;
	}
	struct unsettled *unsettled = keep(service, &x, &start);
	if (unsettled == NULL)
		settle(service, &x, &start, sink->missing);
	return unsettled;
}

bool respond_enter(const struct unsettled *unsettled)
{
	const char *root = unsettled->x.settings.root;
	struct root_limit *limit = unsettled->service->limit;

	return limit == NULL || root == NULL || root_limit_enter(limit, root);
}

void respond_leave(void)
{
	root_limit_leave();
}

void respond_settle(struct unsettled *unsettled, long long missing)
{
	settle(unsettled->service, &unsettled->x, &unsettled->start, missing);
	free(unsettled);
}
