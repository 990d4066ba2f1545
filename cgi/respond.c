/* SPDX-License-Identifier: MIT */
#include "cgi/respond.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "boot/text.h"
#include "boot/grub.h"
#include "boot/reason.h"
#include "boot/root_limit.h"
#include "boot/tree.h"
#include "boot/tree_cache.h"
#include "cgi/log.h"
#include "cgi/logline.h"
#include "cgi/redirect.h"
#include "cgi/request.h"
#include "cgi/response.h"
#include "cgi/route.h"
#include "cgi/sink.h"

/*
 * An answer whose reason is the business of the administrator alone: the
 * client gets the first text, the log the second one.
 */
static void refuse(struct request *r, int status, const char *text,
	const char *story, const char *value)
{
	char escaped[1024];

	escape_line(value == NULL ? "" : value, escaped, sizeof escaped);
	request_note(r, "- %s %s", story, escaped);
	request_text(r, status, text);
}

/* The grub/clear route; its answers are fixed, Missing has no "# ". */
static void clear(
	struct request *r, const struct tree *tree, const char *version)
{
	char path[GRUB_PATH_SIZE], text[GRUB_PATH_SIZE + 64];

	if (r->client.hex[0] == '\0' || version[0] == '\0') {
		request_note(r, "grub/clear %s",
			version[0] == '\0' ? "(no plain version)"
					   : "(no IPv4 address)");
		request_text(r, 400, "Missing");
		return;
	}
	grub_path(version, r->client.hex, path);
	int err = grub_clear(tree, path, r->head_only);

	char escaped[1024];
	escape_word(path, escaped, sizeof escaped);
	request_note(r, "grub/clear %s", escaped);
	if (err == 0 || err == -ENOENT) {
		snprintf(text, sizeof text, "%s %s",
			err == 0 ? "Delete" : "Missing", path);
		request_text(r, err == 0 ? 200 : 400, text);
		return;
	}
	request_note(r, " (%s)", reason_text(-err));
	snprintf(text, sizeof text, "# grub.cfg-%s: %s", r->client.hex,
		reason_text(-err));
	request_text(r, response_status(reason_of(-err)), text);
}

static int open_tree(const struct settings *settings, struct tree_cache *cache,
	struct tree *out)
{
	return cache == NULL ? tree_open(settings->root, settings->allow, out)
	                     : tree_open_cached(cache, settings->root,
				       settings->allow, out);
}

static void with_tree(const struct service *service, struct tree_cache *cache,
	struct request *r, const struct route *route)
{
	struct tree tree;
	int err = open_tree(&r->settings, cache, &tree);

	if (err < 0) {
		const bool passes = reason_of(-err) == REASON_TEMPORARY;
		char story[256];
		snprintf(story, sizeof story,
			"cannot open the root (%s): PXESRV_ROOT is",
			strerror(-err));
		refuse(r, passes ? 503 : service->no_root_status,
			passes ? "# The boot server can't open its root "
				 "directory now"
			       : "# The boot server's root directory is not "
				 "there",
			story, r->settings.root);
		return;
	}
	if (route->kind == ROUTE_GRUB_CLEAR)
		clear(r, &tree, route->version);
	else
		redirect(r, &tree);
	tree_close(&tree);
}

/* The same, unless its file system holds too many already. */
static void with_limit(const struct service *service, struct tree_cache *cache,
	struct request *r, const struct route *route)
{
	const char *root = r->settings.root;

	if (service->limit == NULL) {
		with_tree(service, cache, r, route);
	} else if (root_limit_enter(service->limit, root)) {
		with_tree(service, cache, r, route);
		root_limit_leave();
	} else {
		refuse(r, 503, "# The boot server's disk does not answer now",
			"too many requests wait for the file system of", root);
	}
}

static bool is_method(const struct request *r, const char *method)
{
	return r->vars.request_method != NULL &&
	       strcmp(r->vars.request_method, method) == 0;
}

static void answer(const struct service *service, struct tree_cache *cache,
	struct request *r)
{
	struct route route;
	struct bad_setting bad;

	const bool valid = settings_overlay(&r->vars, &r->settings, &bad);
	route_find(&r->vars, &route);
	r->head_only = is_method(r, "HEAD");
	/* First of all, since each line of the log wants to name the client. */
	if (r->vars.remote_addr != NULL)
		client_parse(r->vars.remote_addr, &r->client);

	if (!valid) {
		char story[64];
		snprintf(story, sizeof story, "%s can't be", bad.name);
		refuse(r, 500, "# A setting of the boot server is wrong", story,
			bad.value);
	} else if (route.kind == ROUTE_NONE) {
		request_text(r, 404, "# The requested route is not available");
	} else if (!r->head_only && !is_method(r, "GET")) {
		request_text(r, 405, "# Only GET and HEAD are answered here");
	} else if (r->vars.remote_addr == NULL) {
		refuse(r, 500, "# The web server does not say who asks",
			"the web server must pass REMOTE_ADDR", NULL);
	} else if (r->client.name[0] == '\0') {
		refuse(r, 500, "# The web server does not say who asks",
			"the web server must pass an IP address as "
			"REMOTE_ADDR, not",
			r->vars.remote_addr);
	} else if (r->settings.root == NULL) {
		refuse(r, 500, "# The boot server has no root directory",
			"set PXESRV_ROOT, or have the web server pass "
			"DOCUMENT_ROOT",
			NULL);
	} else {
		with_limit(service, cache, r, &route);
	}
}

static void write_log(const struct service *service, const struct request *r,
	const char *line, size_t size)
{
	if (service->log != NULL &&
		strcmp(service->settings.log, r->settings.log) == 0) {
		log_write(service->log, line, size);
		return;
	}
	struct log log;
	log_open(r->settings.log, &log);
	log_write(&log, line, size);
	log_close(&log);
}

/* An answer may be an error since the request's own settings don't hold. */
static void note_if_bound(const struct service *service, struct request *r)
{
	const struct settings *started = &service->settings;

	if (service->is_bound && r->status != 200 &&
		(strcmp(r->settings.root, started->root) != 0 ||
			strcmp(r->settings.allow, started->allow) != 0))
		request_note(r,
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

static void log_request(const struct service *service, const struct request *r,
	const struct timespec *start)
{
	const struct logline line = {
		.client = r->client.name[0] == '\0' ? NULL : r->client.name,
		.method = r->vars.request_method,
		.uri = r->vars.request_uri,
		.protocol = r->vars.server_protocol,
		.time = time(NULL),
		.status = r->status,
		.bytes = r->bytes,
		.nanoseconds = nanoseconds_since(start),
		.decision = r->decision[0] == '\0' ? NULL : r->decision,
	};
	char text[LOG_LINE_MAX];
	size_t size = logline_format(&line, text);
	write_log(service, r, text, size);
	if (service->complains && r->status == 500)
		fprintf(stderr, "pxesrv: %s\n", r->decision);
}

struct unsettled {
	const struct service *service;
	struct request r;
	struct timespec start;
	char strings[]; /* what r points to: the request's own are gone then */
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
	const struct request *r, const struct timespec *start)
{
	const size_t size = string_size(r->vars.request_method) +
	                    string_size(r->vars.request_uri) +
	                    string_size(r->vars.server_protocol) +
	                    string_size(r->settings.log) +
	                    string_size(r->settings.root);
	struct unsettled *kept = malloc(sizeof *kept + size);
	if (kept == NULL)
		return NULL;

	char *at = kept->strings;
	kept->service = service;
	kept->start = *start;
	kept->r = *r;
	kept->r.sink = NULL;
	kept->r.vars = (struct metavars){
		.request_method = keep_string(&at, r->vars.request_method),
		.request_uri = keep_string(&at, r->vars.request_uri),
		.server_protocol = keep_string(&at, r->vars.server_protocol),
	};
	kept->r.settings.log = keep_string(&at, r->settings.log);
	kept->r.settings.root = keep_string(&at, r->settings.root);
	kept->r.settings.allow = "";
	return kept;
}

/* The end of a request: of its claim, its root, and its line in the log. */
static void settle(const struct service *service, struct request *r,
	const struct timespec *start, long long missing)
{
	struct tree tree = {
		.root = r->root, .path = r->settings.root, .allow = ""};

	redirect_settle(r, &tree, missing);
	if (r->root >= 0)
		close(r->root);
	log_request(service, r, start);
}

struct unsettled *respond(const struct service *service,
	struct tree_cache *cache, char *const env[], struct sink *sink)
{
	struct request r = {
		.sink = sink, .settings = service->settings, .root = -1};
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	metavars_read(env, &r.vars);
	if (r.settings.root == NULL)
		r.settings.root = r.vars.document_root;
	answer(service, cache, &r);
	note_if_bound(service, &r);
	if (!r.is_later) {
		log_request(service, &r, &start);
		return NULL;
	}
	struct unsettled *unsettled = keep(service, &r, &start);
	if (unsettled == NULL)
		settle(service, &r, &start, sink->missing);
	return unsettled;
}

bool respond_enter(const struct unsettled *unsettled)
{
	const char *root = unsettled->r.settings.root;
	struct root_limit *limit = unsettled->service->limit;

	return limit == NULL || root == NULL || root_limit_enter(limit, root);
}

void respond_leave(void)
{
	root_limit_leave();
}

void respond_settle(struct unsettled *unsettled, long long missing)
{
	settle(unsettled->service, &unsettled->r, &unsettled->start, missing);
	free(unsettled);
}
