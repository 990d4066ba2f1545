/* SPDX-License-Identifier: MIT */
/* pxesrvctl explain: makes the responder's decision and shows each step. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot/client.h"
#include "boot/decision.h"
#include "boot/keys.h"
#include "boot/subnet.h"
#include "boot/target.h"
#include "boot/text.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "cgi/response.h"
#include "ctl/as_user.h"
#include "ctl/boot_file.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/forecast.h"
#include "ctl/print.h"

struct explanation {
	const struct ctl *ctl;
	const char *client;
	struct identities who;
	struct keys keys; /* of who */
	struct decision decision;
	json_t *steps;            /* a string for each step */
	char file[PATH_MAX];      /* boot file, relative to the root */
	const char *doubt;        /* why file is unlikely to boot, or NULL */
	struct forecast forecast; /* for a once link, or the whole tree */
	char warning[PATH_MAX + 1024]; /* forecast as a sentence */
	char line[REASON_LINE_SIZE];   /* the client's error line */
};

static void add_step(
	struct explanation *explanation, const char *path, const char *what)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof text, "%s%s", path, what);
	json_array_append_new(explanation->steps, json_string_of(text));
}

static bool has_step(const struct explanation *explanation, const char *path)
{
	size_t at;
	const json_t *step;

	json_array_foreach(explanation->steps, at, step)
	{
		if (strcmp(json_string_value(step), path) == 0)
			return true;
	}
	return false;
}

static void add_link_step(const char *path, void *context)
{
	struct explanation *explanation = context;
	const char *slash;

	/* static/.. is the root. */
	while ((slash = strchr(path, '/')) != NULL &&
		strncmp(slash, "/../", 4) == 0)
		path = slash + 4;
	/* The entry has a step already. A loop shows each link once. */
	if (strcmp(path, explanation->decision.entry) != 0 &&
		!has_step(explanation, path))
		add_step(explanation, path, "");
}

static bool is_directory(const struct tree *tree, const char *path)
{
	return faccessat(tree->root, path, F_OK, 0) == 0;
}

/* Adds an entry that does not decide. */
static void add_skipped_step(struct explanation *explanation, const char *path)
{
	const struct decision *decision = &explanation->decision;
	char what[64] = ": there is none";

	for (unsigned i = 0; i < decision->ignored_count; i++) {
		if (strcmp(decision->ignored[i].path, path) == 0)
			snprintf(what, sizeof what, ": it %s, so it is ignored",
				decision->ignored[i].why);
	}
	add_step(explanation, path, what);
}

/* Adds the entries of a directory up to the one that decides. */
static void add_directory_steps(
	struct explanation *explanation, const char *directory)
{
	char path[ENTRY_PATH_SIZE];

	for (unsigned i = 0; i < explanation->keys.count; i++) {
		snprintf(path, sizeof path, "%s/%s", directory,
			explanation->keys.list[i]);
		/* A grace has the name of the link that was claimed. */
		if (explanation->decision.source != SOURCE_GRACE &&
			strcmp(path, explanation->decision.entry) == 0)
			return;
		add_skipped_step(explanation, path);
	}
}

/* Adds the entries before the one that decides. */
static void add_skipped_steps(struct explanation *explanation)
{
	const enum source source = explanation->decision.source;
	const struct tree *tree = &explanation->ctl->tree;
	char what[KEY_SIZE + 32];

	if (source == SOURCE_NAMES)
		return;
	snprintf(what, sizeof what, ": its name is %s", explanation->keys.name);
	if (explanation->keys.name[0] != '\0')
		add_step(explanation, explanation->client, what);
	add_directory_steps(explanation, ONCE_DIR);
	if (source >= SOURCE_UNTIL && is_directory(tree, UNTIL_DIR))
		add_directory_steps(explanation, UNTIL_DIR);
	if (source >= SOURCE_STATIC)
		add_directory_steps(explanation, STATIC_DIR);
	if (source == SOURCE_DEFAULT && is_directory(tree, SUBNET_DIR))
		add_step(explanation, SUBNET_DIR "/", ": there is none for it");
}

/* Adds the entry that decides, and each link to the target. */
static void add_deciding_steps(struct explanation *explanation)
{
	const struct decision *decision = &explanation->decision;
	const struct tree *tree = &explanation->ctl->tree;
	struct target target;
	char what[PATH_MAX + 16] = "";

	if (decision->source == SOURCE_GRACE)
		add_step(explanation, decision->grace_path,
			": claimed within PXESRV_ONCE_GRACE, so it is answered again");
	if (decision->link_text[0] != '\0')
		snprintf(what, sizeof what, " -> %s", decision->link_text);
	add_step(explanation, decision->entry, what);
	if (decision->link_text[0] != '\0' &&
		target_trace(tree, decision->entry, decision->link_text,
			add_link_step, explanation, &target) == 0)
		target_close(tree, &target);
}

static void apply_forecast(
	struct explanation *explanation, const struct forecast *links)
{
	struct forecast *forecast = &explanation->forecast;
	struct decision *decision = &explanation->decision;

	*forecast = (struct forecast){.kind = FORECAST_GOOD};
	if (links->kind == FORECAST_ELSEWHERE)
		*forecast = *links;
	else if (decision->error == 0 && decision->source == SOURCE_ONCE)
		forecast_link(explanation->ctl, links, decision->key, forecast);
	else if (decision->error == EACCES)
		forecast_unseen(explanation->ctl, decision->entry, forecast);
	if (forecast->kind == FORECAST_FAILS)
		decision_fail(decision, forecast->error);
	if (forecast->kind != FORECAST_GOOD)
		snprintf(explanation->warning, sizeof explanation->warning,
			"%s: %s; %s", forecast->path, forecast->problem,
			forecast->advice);
}

static void make_explanation(
	struct explanation *explanation, const struct forecast *links)
{
	const struct ctl *ctl = explanation->ctl;
	struct decision *decision = &explanation->decision;

	struct keys_trouble trouble;

	decision_make(&ctl->tree, &explanation->who, &ctl->once, decision);
	/* If this fails, so did the decision. */
	keys_find(&ctl->tree, &explanation->who, &explanation->keys, &trouble);
	apply_forecast(explanation, links);
	explanation->steps = json_array();
	add_skipped_steps(explanation);
	add_deciding_steps(explanation);
	if (decision->error != 0) {
		reason_line(decision->entry, decision->link_text,
			decision->words, explanation->line);
		return;
	}
	if (tree_relative_path(&ctl->tree, decision->target.fd,
		    explanation->file, sizeof explanation->file) < 0)
		explanation->file[0] = '\0';
	explanation->doubt = boot_file_doubt(&ctl->tree, decision->target.fd);
}

static void print_explanation_json(struct explanation *explanation)
{
	const struct decision *decision = &explanation->decision;
	const bool good = decision->error == 0;

	print_json(json_pack(
		"{s:s,s:s?,s:i,s:s,s:s,s:o?,s:o?,s:o?,s:s?,s:o?,s:s?,s:o?,s:O}",
		"client", explanation->client, "name",
		explanation->keys.name[0] == '\0' ? NULL
						  : explanation->keys.name,
		"status", response_status(decision->reason), "source",
		source_name(decision->source), "entry", decision->entry,
		"target",
		decision->link_text[0] == '\0'
			? NULL
			: json_string_of(decision->link_text),
		"file", good ? json_string_of(explanation->file) : NULL,
		"bytes", good ? json_integer(decision->target.size) : NULL,
		"type", good ? decision->target.type : NULL, "error",
		good ? NULL : json_string_of(explanation->line), "doubt",
		explanation->doubt, "forecast",
		explanation->forecast.kind == FORECAST_GOOD
			? NULL
			: json_string_of(explanation->warning),
		"steps", explanation->steps));
}

/* Shows the problem's place and what to do. An error has named it already. */
static void print_forecast_warning(const struct explanation *explanation)
{
	char line[2 * sizeof explanation->warning];

	if (explanation->forecast.kind == FORECAST_GOOD)
		return;
	escape_line(explanation->warning, line, sizeof line);
	print_coloured(
		BAD, explanation->decision.error != 0 ? "  " : "  but: ");
	puts(line);
}

static void print_explanation_text(struct explanation *explanation)
{
	const struct decision *decision = &explanation->decision;
	char line[4 * PATH_MAX];
	size_t at;
	json_t *step;

	printf("%s\n", explanation->client);
	json_array_foreach(explanation->steps, at, step)
	{
		escape_line(json_string_value(step), line, sizeof line);
		printf("  %s\n", line);
	}
	if (decision->error != 0) {
		printf("  %d ", response_status(decision->reason));
		print_coloured(BAD, explanation->line);
		putchar('\n');
		print_forecast_warning(explanation);
		return;
	}
	escape_line(explanation->file, line, sizeof line);
	fputs("  200 ", stdout);
	print_coloured(GOOD, line);
	printf(", %lld bytes, %s\n", (long long)decision->target.size,
		decision->target.type);
	if (explanation->doubt != NULL) {
		print_coloured(BAD, "  but: ");
		puts(explanation->doubt);
	}
	print_forecast_warning(explanation);
}

/* Sets the identity of a request, by its canonical text. */
static void set_identity(struct identities *who, const char *text)
{
	struct client client;

	*who = (struct identities){.address = ""};
	if (client_parse(text, &client))
		snprintf(who->address, sizeof who->address, "%s", text);
	else if (!identity_parse_uuid(text, who->uuid))
		identity_parse_mac(text, who->mac);
}

static bool explain_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	struct explanation explanation = {.ctl = ctl, .client = client->key};

	set_identity(&explanation.who, client->key);
	as_user_begin_reading(ctl);
	make_explanation(&explanation, context);
	as_user_end();
	if (ctl->json)
		print_explanation_json(&explanation);
	else
		print_explanation_text(&explanation);
	json_decref(explanation.steps);
	decision_close(&ctl->tree, &explanation.decision);
	return explanation.decision.error == 0 &&
	       explanation.forecast.kind != FORECAST_ELSEWHERE;
}

bool cmd_explain(struct ctl *ctl, int count, char *const operands[])
{
	struct forecast links;

	as_user_begin_reading(ctl);
	forecast_links(ctl, &links);
	as_user_end();
	return clients_each_identity(
		ctl, count, operands, explain_client, &links);
}
