/* SPDX-License-Identifier: MIT */
/* Claims of once links, and the decision, in a real small tree. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/claim.h"
#include "boot/decision.h"
#include "boot/grace.h"
#include "boot/once_lock.h"
#include "boot/reason.h"
#include "boot/tree.h"
#include "scratch.h"
#include "tap.h"

#define CLIENT "10.0.0.7"
#define ARMED "once/" CLIENT
#define SERVED "once/.served/" CLIENT
#define AGO "../os/a"
#define NOW "../os/b"

static struct tree tree;
static const struct identities who = {.address = CLIENT};
static const struct once_limits no_limits = {0};

static void arm(const char *text)
{
	unlink(ARMED);
	if (symlink(text, ARMED) < 0)
		stop(ARMED);
}

static bool says(const char *path, const char *text)
{
	char now[PATH_MAX];

	return tree_read_link(&tree, path, now) == 0 && strcmp(now, text) == 0;
}

static void count_claim(const char *path, void *count)
{
	(void)path;
	++*(int *)count;
}

static int claims_of(const char *client)
{
	int count = 0;

	return claim_each(&tree, client, count_claim, &count) < 0 ? -1 : count;
}

/* Claims what is armed with that text. */
static int take(const char *text, struct claim *claim)
{
	char now[PATH_MAX];

	strcpy(now, text);
	return claim_take(&tree, CLIENT, now, claim);
}

/* Makes the time of a link's claim another one, in seconds from now. */
static void date(const char *path, long seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec += seconds;
	times[1] = times[0];
	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		stop(path);
}

static void test_names(void)
{
	struct claim claim, other;

	arm(NOW);
	tap_ok(take(NOW, &claim) == 0, "a link is claimed");
	tap_ok(strncmp(claim.path, "once/.claimed/" CLIENT ".",
		       strlen("once/.claimed/" CLIENT ".")) == 0 &&
			says(claim.path, NOW) && access(ARMED, F_OK) < 0,
		"and has the name of the claim");
	tap_ok(claims_of(CLIENT) == 1 && claims_of(NULL) == 1,
		"the claim is found");
	tap_ok(claims_of("10.0.0.70") == 0 && claims_of("10.0.0") == 0,
		"and is of no other client");
	tap_ok(take(NOW, &other) == -ENOENT, "there is no second one");
	claim_at(CLIENT, claim.path, &other);
	tap_ok(strcmp(other.armed, ARMED) == 0 &&
			strcmp(other.served, SERVED) == 0,
		"its other names");
	tap_ok(claim_served(&tree, &claim) == 0 && says(SERVED, NOW) &&
			claims_of(NULL) == 0,
		"it is served");
	unlink(SERVED);
}

static void test_armed_anew(void)
{
	struct claim claim;

	arm(NOW);
	tap_ok(take(AGO, &claim) == -ENOENT && says(ARMED, NOW),
		"a link that says something else stays");
	if (take(NOW, &claim) < 0)
		stop("claim_take");
	arm(AGO);
	bool is_overtaken = false;
	tap_ok(claim_put_back(&tree, &claim, &is_overtaken) == 0 &&
			is_overtaken && says(ARMED, AGO) && says(SERVED, NOW),
		"one that was armed meanwhile is not replaced");
	unlink(ARMED);
	unlink(SERVED);
}

static void test_put_back(void)
{
	struct claim claim, later;
	bool is_overtaken = true;

	arm(NOW);
	if (take(NOW, &claim) < 0)
		stop("claim_take");
	tap_ok(claim_put_back(&tree, &claim, &is_overtaken) == 0 &&
			!is_overtaken && says(ARMED, NOW) &&
			claims_of(NULL) == 0,
		"a link is armed again");
	if (take(NOW, &claim) < 0)
		stop("claim_take");
	date(claim.path, -10);
	arm(AGO);
	if (take(AGO, &later) < 0)
		stop("claim_take");
	tap_ok(claim_put_back(&tree, &claim, &is_overtaken) == 0 &&
			is_overtaken && access(ARMED, F_OK) < 0,
		"not when a later link was claimed as well");
	tap_ok(claim_served(&tree, &later) == 0 && says(SERVED, AGO),
		"the later one is what was served");
	unlink(SERVED);
}

static void test_served_later(void)
{
	struct claim claim;

	if (symlink(AGO, SERVED) < 0)
		stop(SERVED);
	arm(NOW);
	if (take(NOW, &claim) < 0)
		stop("claim_take");
	date(claim.path, -10);
	tap_ok(claim_served(&tree, &claim) == 0 && says(SERVED, AGO) &&
			claims_of(NULL) == 0,
		"an older claim does not replace a later one");
	unlink(SERVED);
}

static void test_grace(void)
{
	char path[CLAIM_PATH_SIZE], text[PATH_MAX];
	struct claim claim;

	tap_ok(grace_recent(&tree, CLIENT, 60, path, text) == 0, "no grace");
	arm(NOW);
	if (take(NOW, &claim) < 0)
		stop("claim_take");
	tap_ok(grace_recent(&tree, CLIENT, 60, path, text) == 1 &&
			strcmp(path, claim.path) == 0 && strcmp(text, NOW) == 0,
		"a claim under way has a grace");
	tap_ok(grace_retire_claim(&tree, CLIENT, path) == 0 &&
			says(SERVED, NOW),
		"which ends it");
	tap_ok(grace_recent(&tree, CLIENT, 60, path, text) == 1 &&
			strcmp(path, SERVED) == 0,
		"it has one still");
	date(SERVED, -61);
	tap_ok(grace_recent(&tree, CLIENT, 60, path, text) == 0,
		"not after its time");
	date(SERVED, 61);
	tap_ok(grace_recent(&tree, CLIENT, 60, path, text) == 0,
		"nor from a time that has not come");
	unlink(SERVED);
}

/* In the order in which the entries are taken away. */
static const struct {
	enum source source;
	const char *entry; /* that is taken away afterwards */
	int error;
} order[] = {
	{SOURCE_ONCE, ARMED, 0},
	{SOURCE_STATIC, "static/" CLIENT, 0},
	{SOURCE_DEFAULT, "default", 0},
	{SOURCE_DEFAULT, "default", ENOENT},
};

static void test_order(void)
{
	struct decision decision;

	arm(NOW);
	if (symlink(AGO, "static/" CLIENT) < 0)
		stop("static");
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		decision_make(&tree, &who, &no_limits, &decision);
		tap_ok(decision.source == order[i].source &&
				decision.error == order[i].error &&
				strcmp(decision.entry, order[i].entry) == 0,
			order[i].entry);
		decision_close(&tree, &decision);
		unlink(order[i].entry);
	}
}

/* A broken entry decides: it is an error, and the next one is not asked. */
static void test_broken(void)
{
	static const struct {
		const char *text;
		enum reason reason;
	} broken[] = {
		{"../os/nothing", REASON_MISSING},
		{"../os", REASON_FORBIDDEN},
		{"/etc/passwd", REASON_FORBIDDEN},
		{CLIENT, REASON_MISSING},
	};
	struct decision decision;
	char line[REASON_LINE_SIZE];

	if (symlink(AGO, "static/" CLIENT) < 0)
		stop("static");
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		arm(broken[i].text);
		decision_make(&tree, &who, &no_limits, &decision);
		reason_line(decision.entry, decision.link_text, decision.words,
			line);
		tap_ok(decision.source == SOURCE_ONCE &&
				decision.reason == broken[i].reason &&
				strncmp(line, "# " ARMED " -> ",
					strlen("# " ARMED " -> ")) == 0,
			broken[i].text);
		decision_close(&tree, &decision);
	}
	unlink(ARMED);
}

static void test_replaced(void)
{
	struct decision decision;
	struct claim claim;

	arm(AGO);
	decision_make(&tree, &who, &no_limits, &decision);
	arm(NOW);
	tap_ok(decision_claim(&tree, &decision, &claim) == -ENOENT &&
			says(ARMED, NOW),
		"a link that was replaced is decided on again");
	decision_close(&tree, &decision);
	decision_make(&tree, &who, &no_limits, &decision);
	tap_ok(decision_claim(&tree, &decision, &claim) == 0 &&
			decision.error == 0 && says(claim.path, NOW),
		"and then claimed");
	decision_close(&tree, &decision);
	unlink(claim.path);
}

int main(void)
{
	char base[PATH_MAX], command[PATH_MAX + 16];

	umask(0);
	scratch_enter(base, sizeof base);
	if (system("mkdir once static os && echo a >os/a && echo b >os/b && "
		   "echo default >default") != 0 ||
		tree_open(base, "", &tree) < 0 ||
		once_parts_make_locked(&tree) < 0)
		stop(base);
	test_names();
	test_armed_anew();
	test_put_back();
	test_served_later();
	test_grace();
	test_order();
	test_broken();
	test_replaced();
	tree_close(&tree);

	snprintf(command, sizeof command, "rm -rf -- '%s'", base);
	if (chdir("/") < 0 || system(command) != 0)
		stop(command);
	return tap_end();
}
