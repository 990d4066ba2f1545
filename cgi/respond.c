/* SPDX-License-Identifier: MIT */
/* Answers a request by settings, route, client and tree, and logs it. */
#include "cgi/respond.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "boot/grub.h"
#include "boot/reason.h"
#include "boot/root_limit.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/tree_cache.h"
#include "cgi/done.h"
#include "cgi/log.h"
#include "cgi/logline.h"
#include "cgi/redirect.h"
#include "cgi/request.h"
#include "cgi/response.h"
#include "cgi/route.h"
#include "cgi/sink.h"

/* The client gets text; the log gets the reason: log_words and value. */
static void send_error(struct request *r, int status, const char *text,
	const char *log_words, const char *value)
{
	char escaped[1024];

	escape_line(value == NULL ? "" : value, escaped, sizeof escaped);
	request_note(r, "- %s %s", log_words, escaped);
	request_text(r, status, text);
}

/* The route /grub/clear/. Users expect its "Missing" without "# ". */
static void clear_grub_file(
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
	if (request_refuse_outdated(r, -err))
		return; /* no test: see there */
	request_note(r, " (%s)", reason_text(-err));
	snprintf(text, sizeof text, "# grub.cfg-%s: %s", r->client.hex,
		reason_text(-err));
	request_text(r, response_status(reason_of(-err)), text);
}

static int open_request_tree(const struct settings *settings,
	struct tree_cache *cache, struct tree *out)
{
	return cache == NULL ? tree_open(settings->root, settings->allow, out)
	                     : tree_open_cached(cache, settings->root,
				       settings->allow, out);
}

static void answer_with_tree(const struct service *service,
	struct tree_cache *cache, struct request *r, const struct route *route)
{
	struct tree tree;
	int err = open_request_tree(&r->settings, cache, &tree);

	if (err < 0) {
		const bool passes = reason_of(-err) == REASON_TEMPORARY;
		char reason[256];
		snprintf(reason, sizeof reason,
			"cannot open the root (%s): PXESRV_ROOT is",
			strerror(-err));
		send_error(r, passes ? 503 : service->no_root_status,
			passes ? "# The boot server can't open its root directory now"
			       : "# The boot server's root directory is not there",
			reason, r->settings.root);
		return;
	}
	if (route->kind == ROUTE_GRUB_CLEAR)
		clear_grub_file(r, &tree, route->version);
	else if (route->kind == ROUTE_DONE)
		done_answer(r, &tree);
	else
		redirect_answer(r, &tree);
	tree_close(&tree);
}

/* Refuses if too many threads are at work in the root already. */
static void answer_within_limit(const struct service *service,
	struct tree_cache *cache, struct request *r, const struct route *route)
{
	const char *root = r->settings.root;

	if (service->limit == NULL) {
		answer_with_tree(service, cache, r, route);
	} else if (root_limit_enter(service->limit, root)) {
		answer_with_tree(service, cache, r, route);
		root_limit_leave();
	} else {
		/* rare: needs a file system that hangs */
		send_error(r, 503,
			"# The boot server's disk does not answer now",
			"too many requests wait for the file system of", root);
	}
}

static bool is_method(const struct request *r, const char *method)
{
	return r->vars.request_method != NULL &&
	       strcmp(r->vars.request_method, method) == 0;
}

static void identify(struct request *r)
{
	const char *query = r->vars.query_string;

	if (query == NULL && r->vars.request_uri != NULL) {
		query = strchr(r->vars.request_uri, '?');
		if (query != NULL)
			query++;
	}
	strcpy(r->who.address, r->client.key);
	identify_read(&r->settings.identify, query, &r->who, r->who_notes);
}

static void answer_request(const struct service *service,
	struct tree_cache *cache, struct request *r)
{
	struct route route;
	struct bad_setting bad;

	const bool valid = settings_overlay(&r->vars, &r->settings, &bad);
	route_find(&r->vars, &route);
	r->head_only = is_method(r, "HEAD");
	/* Parse the client first: each log line names it. */
	if (r->vars.remote_addr != NULL)
		client_parse(r->vars.remote_addr, &r->client);

	if (!valid) {
		char reason[64];
		snprintf(reason, sizeof reason, "%s is not valid:", bad.name);
		send_error(r, 500, "# A setting of the boot server is wrong",
			reason, bad.value);
	} else if (route.kind == ROUTE_NONE) {
		request_text(r, 404, "# The requested route is not available");
	} else if (!r->head_only && !is_method(r, "GET")) {
		request_text(r, 405, "# Only GET and HEAD are answered here");
	} else if (r->vars.remote_addr == NULL) {
		send_error(r, 500, "# The web server does not say who asks",
			"the web server must pass REMOTE_ADDR", NULL);
	} else if (r->client.key[0] == '\0') {
		send_error(r, 500, "# The web server does not say who asks",
			"the web server must pass an IP address as REMOTE_ADDR, not",
			r->vars.remote_addr);
	} else if (r->settings.root == NULL) {
		send_error(r, 500, "# The boot server has no root directory",
			"set PXESRV_ROOT, or have the web server pass DOCUMENT_ROOT",
			NULL);
	} else {
		identify(r);
		answer_within_limit(service, cache, r, &route);
	}
}

static void write_log_line(const struct service *service,
	const struct request *r, const char *line, size_t size)
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

/* A request with its own settings may fail because of the sandbox. */
static void note_if_bound(const struct service *service, struct request *r)
{
	const struct settings *started = &service->settings;

	if (!service->is_confined || r->status == 200)
		return;
	/* no test: no sandbox may hold what is counted */
	if (strcmp(r->settings.root, started->root) != 0 ||
		strcmp(r->settings.allow, started->allow) != 0)
		request_note(r,
			" (this responder is confined to the PXESRV_ROOT and PXESRV_ALLOW of its own environment)");
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
		.client = r->client.key[0] == '\0' ? NULL : r->client.key,
		.method = r->vars.request_method,
		.uri = r->vars.request_uri,
		.protocol = r->vars.server_protocol,
		.time = time(NULL),
		.status = r->status,
		.bytes = r->bytes,
		.nanoseconds = nanoseconds_since(start),
		.decision = r->log_decision[0] == '\0' ? NULL : r->log_decision,
	};
	char text[LOG_LINE_MAX];
	size_t size = logline_format(&line, text);
	write_log_line(service, r, text, size);
	if (service->reports_500 && r->status == 500)
		fprintf(stderr, "pxesrv: %s\n", r->log_decision);
}

struct unfinished {
	const struct service *service;
	struct request r;
	struct timespec start;
	char strings[]; /* copies of the strings that r points to */
};

/* Copies a string, cut off to what the log shows of it. */
static const char *copy_string(char **at, const char *text)
{
	if (text == NULL)
		return NULL; /* no test: needs a web server that omits it */
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

/* Returns NULL if there is no memory. */
static struct unfinished *make_unfinished(const struct service *service,
	const struct request *r, const struct timespec *start)
{
	const size_t size = string_size(r->vars.request_method) +
	                    string_size(r->vars.request_uri) +
	                    string_size(r->vars.server_protocol) +
	                    string_size(r->settings.log) +
	                    string_size(r->settings.root);
	struct unfinished *unfinished = malloc(sizeof *unfinished + size);
	if (unfinished == NULL)
		return NULL; /* no test: no memory */

	char *at = unfinished->strings;
	unfinished->service = service;
	unfinished->start = *start;
	unfinished->r = *r;
	unfinished->r.sink = NULL;
	unfinished->r.vars = (struct metavars){
		.request_method = copy_string(&at, r->vars.request_method),
		.request_uri = copy_string(&at, r->vars.request_uri),
		.server_protocol = copy_string(&at, r->vars.server_protocol),
	};
	unfinished->r.settings.log = copy_string(&at, r->settings.log);
	unfinished->r.settings.root = copy_string(&at, r->settings.root);
	unfinished->r.settings.allow = "";
	return unfinished;
}

/* Settles the claim, closes the root, writes the log line. */
static void finish_request(const struct service *service, struct request *r,
	const struct timespec *start, long long undelivered)
{
	struct tree tree;

	tree_from_root(r->root_fd, r->settings.root, "", &tree);
	redirect_settle(r, &tree, undelivered);
	tree_close(&tree);
	log_request(service, r, start);
}

struct unfinished *respond(const struct service *service,
	struct tree_cache *cache, char *const env[], struct sink *sink)
{
	struct request r = {.sink = sink,
		.settings = service->settings,
		.is_outdated = service->is_outdated,
		.root_fd = -1};
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	metavars_read(env, &r.vars);
	if (r.settings.root == NULL)
		r.settings.root = r.vars.document_root;
	answer_request(service, cache, &r);
	note_if_bound(service, &r);
	if (!r.is_later) {
		log_request(service, &r, &start);
		return NULL;
	}
	struct unfinished *unfinished = make_unfinished(service, &r, &start);
	if (unfinished == NULL)
		/* no test: no memory */
		finish_request(service, &r, &start, sink->undelivered);
	return unfinished;
}

bool respond_enter(const struct unfinished *unfinished)
{
	const char *root = unfinished->r.settings.root;
	struct root_limit *limit = unfinished->service->limit;

	return limit == NULL || root == NULL || root_limit_enter(limit, root);
}

void respond_leave(void)
{
	root_limit_leave();
}

void respond_finish(struct unfinished *unfinished, long long undelivered)
{
	finish_request(unfinished->service, &unfinished->r, &unfinished->start,
		undelivered);
	free(unfinished);
}
