/* SPDX-License-Identifier: MIT */
/*
 * What has become of the once and until links of clients. A link only moves, so
 * where it is says it all:
 *
 *     once/KEY           armed          until/KEY        armed
 *     once/.claimed/KEY. under way
 *     once/.served/KEY   served         until/.done/KEY  done
 *
 * A look goes along the way of a link, and so meets it even if it moves
 * meanwhile. An answer that breaks off puts it back, which may hide it from one
 * look. So a link counts as lost only when two looks have not met it.
 *
 * once/.served/ also has the link of the last time. Each look at an armed link
 * notes what is there, before it looks whether the link is armed: what is there
 * later, and is another one, was served since.
 */
#include "ctl/awaited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/claim.h"
#include "boot/moment.h"
#include "boot/once.h"
#include "boot/tree.h"
#include "boot/until.h"
#include "ctl/entries.h"

static const struct {
	const char *armed, *over;
} places[AWAITED_KINDS] = {
	[AWAITED_ONCE] = {ONCE_DIR, SERVED_DIR},
	[AWAITED_UNTIL] = {UNTIL_DIR, DONE_DIR},
};

void awaited_client_of(const char *key, struct awaited_client *out)
{
	*out = (struct awaited_client){.key = ""};
	snprintf(out->key, sizeof out->key, "%s", key);
	out->is_address = address_parse(key, &out->address);
}

/* Addresses by number, then names. */
static int compare_clients(const void *left, const void *right)
{
	const struct awaited_client *a = left, *b = right;

	if (a->is_address && b->is_address)
		return address_compare(&a->address, &b->address);
	return a->is_address == b->is_address ? strcmp(a->key, b->key)
	                                      : b->is_address - a->is_address;
}

void awaited_sort(struct awaited *awaited)
{
	struct awaited_client *clients = awaited->clients;
	size_t kept = 0;

	if (awaited->count > 0)
		qsort(clients, awaited->count, sizeof *clients,
			compare_clients);
	for (size_t i = 0; i < awaited->count; i++) {
		if (kept == 0 ||
			compare_clients(&clients[kept - 1], &clients[i]) != 0)
			clients[kept++] = clients[i];
	}
	awaited->count = kept;
}

/* Finds the client that a name "KEY.SUFFIX" is of, or NULL. */
static struct awaited_client *find_client(
	const struct awaited *awaited, const char *name)
{
	const char *dot = strrchr(name, '.');
	struct awaited_client wanted;
	char key[KEY_SIZE];

	if (dot == NULL || (size_t)(dot - name) >= sizeof key)
		return NULL;
	snprintf(key, sizeof key, "%.*s", (int)(dot - name), name);
	awaited_client_of(key, &wanted);
	struct awaited_client *found = bsearch(&wanted, awaited->clients,
		awaited->count, sizeof wanted, compare_clients);
	return found == NULL || found->is_settled ? NULL : found;
}

static void keep_error(struct awaited *awaited, int err, const char *place)
{
	if (err == 0 || awaited->error != 0)
		return;
	awaited->error = err;
	snprintf(awaited->place, sizeof awaited->place, "%s", place);
}

/* False: there is no link of this path, or the look has failed. */
static bool examine(struct awaited *awaited, const char *path, struct stat *out)
{
	if (fstatat(awaited->tree->root, path, out, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISLNK(out->st_mode);
	if (errno != ENOENT && errno != ENOTDIR)
		keep_error(awaited, -errno, path);
	return false;
}

static bool examine_entry(struct awaited *awaited, const char *directory,
	const struct awaited_client *client, struct stat *out)
{
	char path[ENTRY_PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", directory, client->key);
	return examine(awaited, path, out);
}

/* Finds what was last served, or done. False: there is none. */
static bool find_over(struct awaited *awaited, enum awaited_kind kind,
	const struct awaited_client *client, struct awaited_mark *mark,
	time_t *since)
{
	struct stat st;

	*mark = (struct awaited_mark){.inode = 0};
	if (!awaited->has_over[kind] ||
		!examine_entry(awaited, places[kind].over, client, &st))
		return false;
	mark->inode = st.st_ino;
	mark->modified = st.st_mtim;
	/* A claim sets the time of a link; being done does not. */
	*since = kind == AWAITED_ONCE ? st.st_mtim.tv_sec : st.st_ctim.tv_sec;
	return true;
}

static bool is_same_mark(
	const struct awaited_mark *a, const struct awaited_mark *b)
{
	return a->inode == b->inode &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

/* Whether a link won't change its state, unless it is armed again. */
static bool is_final(enum awaited_state state)
{
	return state >= AWAITED_OVER;
}

static void set_state(struct awaited *awaited, struct awaited_client *client,
	enum awaited_kind kind, enum awaited_state state, time_t since)
{
	struct awaited_link *link = &client->links[kind];
	const bool is_news = is_final(state) && state != link->state;

	link->state = state;
	link->since = since;
	if (is_news)
		awaited->report(client, kind, awaited->context);
}

/* Seconds count, so that an answer at the last moment is over. */
static bool is_expired(struct awaited *awaited, time_t armed)
{
	const time_t expiry = armed + (time_t)awaited->expires + 1;

	if (awaited->expires == 0)
		return false;
	if (expiry <= awaited->now)
		return true;
	if (awaited->next_expiry == 0 || expiry < awaited->next_expiry)
		awaited->next_expiry = expiry;
	return false;
}

static void look_whether_armed(struct awaited *awaited,
	struct awaited_client *client, enum awaited_kind kind)
{
	struct awaited_link *link = &client->links[kind];
	struct stat st;
	time_t since;

	find_over(awaited, kind, client, &link->found, &since);
	link->is_armed =
		awaited->has_armed[kind] &&
		examine_entry(awaited, places[kind].armed, client, &st);
	if (!link->is_armed)
		return;
	link->is_expected = true;
	link->is_missing = false;
	link->before = link->found;
	const bool expired =
		kind == AWAITED_ONCE && is_expired(awaited, st.st_mtim.tv_sec);
	set_state(awaited, client, kind,
		expired ? AWAITED_EXPIRED : AWAITED_ARMED, st.st_mtim.tv_sec);
}

static void keep_newest_time(
	struct timespec *newest, const struct timespec *time)
{
	if (moment_is_after(time, newest))
		*newest = *time;
}

static void found_claim(const char *path, void *context)
{
	struct awaited *awaited = context;
	struct awaited_client *client =
		find_client(awaited, path + strlen(CLAIMED_DIR "/"));
	struct stat st;

	if (client != NULL && examine(awaited, path, &st))
		keep_newest_time(&client->claimed, &st.st_mtim);
}

static void found_cancelled(const char *name, void *context)
{
	struct awaited *awaited = context;
	struct awaited_client *client = find_client(awaited, name);
	char path[sizeof CANCELLED_DIR + NAME_MAX + 1];
	struct stat st;

	snprintf(path, sizeof path, CANCELLED_DIR "/%s", name);
	if (client != NULL && examine(awaited, path, &st))
		keep_newest_time(&client->cancelled, &st.st_mtim);
}

/* The first time, leaves it to the next look to say so. */
static bool is_missing_again(struct awaited *awaited, struct awaited_link *link)
{
	const bool again = link->is_missing;

	link->is_missing = true;
	awaited->has_doubts = awaited->has_doubts || !again;
	return again;
}

/* Says where a link is that is not armed any more. */
static void look_where(struct awaited *awaited, struct awaited_client *client,
	enum awaited_kind kind)
{
	struct awaited_link *link = &client->links[kind];
	struct awaited_mark over;
	time_t since = 0;

	const bool has_over = find_over(awaited, kind, client, &over, &since);
	/* One that is older than what was served is the rest of a crash. */
	if (kind == AWAITED_ONCE &&
		moment_is_after(&client->claimed, &over.modified)) {
		link->is_expected = true;
		link->is_missing = false;
		link->before = link->found;
		set_state(awaited, client, kind, AWAITED_CLAIMED,
			client->claimed.tv_sec);
	} else if (!link->is_expected) {
		return;
	} else if (has_over && !is_same_mark(&over, &link->before)) {
		set_state(awaited, client, kind, AWAITED_OVER, since);
	} else if (!is_final(link->state) && is_missing_again(awaited, link)) {
		set_state(awaited, client, kind,
			link->state == AWAITED_CLAIMED ? AWAITED_GONE
						       : AWAITED_CANCELLED,
			awaited->now);
	}
}

/*
 * For a client that nothing is to be expected of: what happened last, before
 * the first look, is what counts.
 */
static void settle_by_history(
	struct awaited *awaited, struct awaited_client *client)
{
	const time_t cancelled = client->cancelled.tv_sec;
	struct awaited_mark mark;
	time_t served = 0, done = 0;

	if (!is_missing_again(awaited, &client->links[AWAITED_ONCE]))
		return;
	client->is_settled = true;
	const bool was_served =
		find_over(awaited, AWAITED_ONCE, client, &mark, &served);
	const bool was_cancelled =
		moment_is_after(&client->cancelled, &mark.modified);
	const bool was_done =
		find_over(awaited, AWAITED_UNTIL, client, &mark, &done);
	if (was_done && done >= served && done >= cancelled)
		set_state(awaited, client, AWAITED_UNTIL, AWAITED_OVER, done);
	else if (was_cancelled)
		set_state(awaited, client, AWAITED_ONCE, AWAITED_CANCELLED,
			cancelled);
	else if (was_served)
		set_state(awaited, client, AWAITED_ONCE, AWAITED_OVER, served);
	else
		awaited->report(client, AWAITED_ONCE, awaited->context);
}

static void settle(struct awaited *awaited, struct awaited_client *client)
{
	bool is_expected = false, is_waiting = false;

	for (int kind = 0; kind < AWAITED_KINDS; kind++) {
		const struct awaited_link *link = &client->links[kind];
		is_expected = is_expected || link->is_expected;
		is_waiting = is_waiting ||
		             (link->is_expected && !is_final(link->state));
	}
	if (!is_expected)
		settle_by_history(awaited, client);
	else
		client->is_settled = !is_waiting;
}

/* A directory that is missing spares a system call for each client. */
static void look_at_directories(struct awaited *awaited)
{
	const struct tree *tree = awaited->tree;
	struct stat st;

	tree_look_for_changes(tree, CLAIMED_DIR);
	for (int kind = 0; kind < AWAITED_KINDS; kind++) {
		tree_look_for_changes(tree, places[kind].armed);
		tree_look_for_changes(tree, places[kind].over);
		awaited->has_armed[kind] =
			fstatat(tree->root, places[kind].armed, &st, 0) == 0 ||
			errno != ENOENT;
		/* A link in its place has nothing that the responder moved. */
		awaited->has_over[kind] =
			fstatat(tree->root, places[kind].over, &st,
				AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISDIR(st.st_mode);
	}
}

/* Something else in place of the directory has nothing that counts. */
static void look_for_cancelled(struct awaited *awaited)
{
	const int err = entry_each(
		awaited->tree, ENTRY_CANCELLED, found_cancelled, awaited);

	if (!once_part_is_other(err))
		keep_error(awaited, err, CANCELLED_DIR);
}

static void each_waiting(struct awaited *awaited,
	void (*act)(struct awaited *awaited, struct awaited_client *client))
{
	for (size_t i = 0; i < awaited->count; i++) {
		if (!awaited->clients[i].is_settled)
			act(awaited, &awaited->clients[i]);
	}
}

static void begin_client(struct awaited *awaited, struct awaited_client *client)
{
	bool is_expected = false;

	client->claimed = client->cancelled = (struct timespec){.tv_sec = 0};
	for (int kind = 0; kind < AWAITED_KINDS; kind++) {
		look_whether_armed(awaited, client, (enum awaited_kind)kind);
		is_expected = is_expected || client->links[kind].is_expected;
	}
	awaited->needs_history = awaited->needs_history || !is_expected;
}

static void end_client(struct awaited *awaited, struct awaited_client *client)
{
	for (int kind = 0; kind < AWAITED_KINDS; kind++) {
		if (!client->links[kind].is_armed)
			look_where(awaited, client, (enum awaited_kind)kind);
	}
	if (awaited->error == 0)
		settle(awaited, client);
	awaited->waiting += !client->is_settled;
}

void awaited_look(struct awaited *awaited)
{
	awaited->now = time(NULL);
	awaited->waiting = 0;
	awaited->has_doubts = awaited->needs_history = false;
	awaited->next_expiry = 0;
	awaited->error = 0;
	look_at_directories(awaited);
	each_waiting(awaited, begin_client);
	keep_error(awaited,
		claim_each(awaited->tree, NULL, found_claim, awaited),
		CLAIMED_DIR);
	if (awaited->needs_history)
		look_for_cancelled(awaited);
	each_waiting(awaited, end_client);
}

bool awaited_is_over(const struct awaited_client *client)
{
	bool has_over = false, has_other = false;

	for (int kind = 0; kind < AWAITED_KINDS; kind++) {
		const enum awaited_state state = client->links[kind].state;
		has_over = has_over || state == AWAITED_OVER;
		has_other = has_other ||
		            (state != AWAITED_OVER && state != AWAITED_NOTHING);
	}
	return has_over && !has_other;
}
