/* SPDX-License-Identifier: MIT */
/*
 * Turns words of a command line or of standard input into clients.
 *
 * A MAC address or a host name means one machine. A second link would stay
 * armed until some other machine boots with that address. So enum choice says
 * which addresses of a machine an action is for.
 */
#include "ctl/clients.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "boot/client.h"
#include "boot/text.h"
#include "ctl/address.h"
#include "ctl/change.h"
#include "ctl/ctl.h"
#include "ctl/host.h"
#include "ctl/identifying.h"
#include "ctl/mac.h"
#include "ctl/machine.h"
#include "ctl/names.h"
#include "ctl/print.h"
#include "ctl/resolve.h"

/* The most addresses of one argument, without and with --force. */
#define MANY 4096
#define MANY_FORCED (1 << 24)

/* Which addresses of a machine an action is for. */
enum choice {
	/* The current address, or the newest lease's; --each: all. */
	CHOICE_ONE,
	/*
	 * Addresses with an entry in a directory of the tree. A former one
	 * counts, unless another machine has it now.
	 */
	CHOICE_ENTRIES,
	/* All current and former addresses that no other machine has now. */
	CHOICE_ALL,
	/* Each identity, as it would ask. */
	CHOICE_IDENTITIES,
};

struct each {
	struct ctl *ctl;
	client_action *action;
	void *context;
	enum choice choice;
	const char *const *directories; /* CHOICE_ENTRIES: ended by a NULL */
};

static bool act_for_key(const struct each *each, const char *key)
{
	struct client client = {.hex = ""};

	snprintf(client.key, sizeof client.key, "%s", key);
	return each->action(each->ctl, &client, each->context);
}

static bool has_entry(const struct each *each, const char *key)
{
	const int root = each->ctl->tree.root;
	char path[ENTRY_PATH_SIZE];
	struct stat st;

	for (int i = 0; each->directories[i] != NULL; i++) {
		snprintf(path, sizeof path, "%s/%s", each->directories[i], key);
		if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
			errno != ENOENT)
			return true;
	}
	return false;
}

/* Acts for the machine with an identity, by its name if it has one. */
static bool act_for_identity(const struct each *each, const char *identity)
{
	char name[KEY_SIZE];
	bool done = true;

	if (each->choice == CHOICE_ALL || each->choice == CHOICE_IDENTITIES ||
		!names_of(&each->ctl->tree, identity, name))
		return act_for_key(each, identity);
	if (each->choice == CHOICE_ONE)
		return act_for_key(each, name);
	const bool by_identity = has_entry(each, identity);
	if (by_identity)
		done = act_for_key(each, identity);
	if (!by_identity || has_entry(each, name))
		done = act_for_key(each, name) && done;
	return done;
}

static bool act_for_address(
	const struct each *each, const struct address *address)
{
	struct client client;

	address_client(address, &client);
	return act_for_identity(each, client.key);
}

/* Lists the addresses in a state or a better one, except for one. */
static void print_holdings(const struct machine *machine,
	enum holding_state state, const struct holding *but)
{
	struct client client;
	char reason[MACHINE_REASON_SIZE];

	for (size_t i = 0; i < machine->count; i++) {
		const struct holding *holding = &machine->holdings[i];
		if (holding == but || holding->state < state)
			continue;
		address_client(&holding->address, &client);
		machine_reason(holding, reason);
		fprintf(stderr, "  %s%s%s\n", client.key,
			reason[0] == '\0' ? "" : "  ", reason);
	}
}

static bool warn_unknown_machine(const struct each *each, const char *word)
{
	const char *leases = each->ctl->leases;

	if (leases == NULL)
		return print_error(word,
			"not in the neighbour table, not in any lease or reservation; if machines say who they are, set PXESRV_IDENTIFY here, too");
	return print_error(
		word, "not in any lease or reservation of %s", leases);
}

static bool warn_lost_machine(const char *word, const struct machine *machine)
{
	print_error(
		word, "cannot tell which address it has now; known addresses:");
	print_holdings(machine, HOLDING_LOST, NULL);
	return false;
}

static bool act_for_holdings(const struct each *each,
	const struct machine *machine, enum holding_state state)
{
	bool done = true;

	for (size_t i = 0; i < machine->count; i++) {
		if (machine->holdings[i].state >= state)
			done = act_for_address(
				       each, &machine->holdings[i].address) &&
			       done;
	}
	return done;
}

/* Whether all current addresses of a machine have one name. */
static bool find_common_name(const struct each *each,
	const struct machine *machine, char out[static KEY_SIZE])
{
	char name[KEY_SIZE];
	struct client client;

	out[0] = '\0';
	for (size_t i = 0; i < machine->count; i++) {
		if (machine->holdings[i].state != HOLDING_NOW)
			continue;
		address_client(&machine->holdings[i].address, &client);
		if (!names_of(&each->ctl->tree, client.key, name) ||
			(out[0] != '\0' && strcmp(out, name) != 0))
			return false;
		strcpy(out, name);
	}
	return out[0] != '\0';
}

static bool act_for_newest(const struct each *each, const char *word,
	const struct machine *machine)
{
	const size_t count = machine_count(machine, HOLDING_NOW);
	char name[KEY_SIZE];

	if (count == 0)
		return warn_lost_machine(word, machine);
	if (find_common_name(each, machine, name))
		return each->choice == CHOICE_ONE
		               ? act_for_key(each, name)
		               : act_for_holdings(each, machine, HOLDING_NOW);
	if (count == 1 || each->ctl->each)
		return act_for_holdings(each, machine, HOLDING_NOW);

	const struct holding *newest = machine_newest(machine);
	if (newest == NULL) {
		print_error(word,
			"%zu addresses, so nothing was done (make them one machine by pxesrvctl name, or give one of them, or use --each for all):",
			count);
		print_holdings(machine, HOLDING_NOW, NULL);
		return false;
	}
	print_error(word,
		"%zu leases; the newest was used, not these (--each uses all):",
		count);
	print_holdings(machine, HOLDING_NOW, newest);
	return act_for_address(each, &newest->address);
}

static bool holding_has_entry(
	const struct each *each, const struct holding *holding)
{
	char name[KEY_SIZE];
	struct client client;

	address_client(&holding->address, &client);
	return has_entry(each, client.key) ||
	       (names_of(&each->ctl->tree, client.key, name) &&
		       has_entry(each, name));
}

static bool leave_entry_alone(
	const struct each *each, const struct holding *holding)
{
	struct client client;
	char path[ENTRY_PATH_SIZE];

	address_client(&holding->address, &client);
	snprintf(path, sizeof path, "%s/%s", each->directories[0], client.key);
	return print_error(
		path, "left alone: another machine has the address now");
}

static bool act_for_entries(const struct each *each, const char *word,
	const struct machine *machine)
{
	unsigned found = 0;
	bool done = true;

	for (size_t i = 0; i < machine->count; i++) {
		const struct holding *holding = &machine->holdings[i];
		if (!holding_has_entry(each, holding))
			continue;
		found++;
		done = (holding->state == HOLDING_LOST
				       ? leave_entry_alone(each, holding)
				       : act_for_address(
						 each, &holding->address)) &&
		       done;
	}
	if (found > 0)
		return done;
	if (change_missing_ok(each->ctl, NULL, word))
		return true;
	print_error(word, "none of its addresses has an entry in %s/:",
		each->directories[0]);
	print_holdings(machine, HOLDING_LOST, NULL);
	return false;
}

/*
 * Acts for the machine that a word names. If no address can be chosen, or
 * several could be, only lists them on standard error. False then, or if the
 * action failed.
 */
static bool act_for_machine(const struct each *each, const char *word,
	const struct machine *machine)
{
	if (machine->count == 0)
		return warn_unknown_machine(each, word);
	switch (each->choice) {
	case CHOICE_ONE:
	case CHOICE_IDENTITIES:
		return act_for_newest(each, word, machine);
	case CHOICE_ENTRIES:
		return act_for_entries(each, word, machine);
	default:
		if (machine_count(machine, HOLDING_LOST) == machine->count)
			return warn_lost_machine(word, machine);
		return act_for_holdings(each, machine, HOLDING_PAST);
	}
}

static bool act_for_range(const struct each *each, const char *text,
	struct address at, const struct address *last)
{
	const unsigned most = each->ctl->force ? MANY_FORCED : MANY;
	struct address end = at;

	/* Count first: a range that is too large must do nothing. */
	for (unsigned n = 1; address_compare(&end, last) < 0; n++) {
		if (n == most)
			return print_error(text,
				each->ctl->force
					? "more than %u addresses"
					: "more than %u addresses (--force allows it)",
				most);
		address_next(&end);
	}
	for (bool done = true;;) {
		done = act_for_address(each, &at) && done;
		if (address_compare(&at, last) >= 0)
			return done;
		address_next(&at);
	}
}

/*
 * Acts for a MAC address that is an entry's name, or has a name: either
 * machines say their MAC address, or its addresses are found elsewhere.
 */
static bool act_for_mac(
	const struct each *each, const char *text, const struct mac *mac)
{
	char key[KEY_SIZE], name[KEY_SIZE];
	struct machine machine;

	mac_text(mac, key);
	if (identifying_by_mac(each->ctl) ||
		names_of(&each->ctl->tree, key, name) ||
		(each->choice == CHOICE_ENTRIES && has_entry(each, key)))
		return act_for_identity(each, key);
	if (!machine_of_mac(mac, text, each->ctl->leases, &machine))
		return false;
	const bool done = act_for_machine(each, text, &machine);
	machine_free(&machine);
	return done;
}

static void add_address(const struct address *address, void *context)
{
	machine_add(context, address);
}

/* Acts for the addresses that the reservations of a host name have. */
static bool act_for_members(
	const struct each *each, const char *name, const struct host *host)
{
	struct machine machine = {.count = 0};
	bool done = true;

	for (size_t i = 0; done && i < host->count; i++)
		done = host_add_addresses(
			name, &host->members[i], each->ctl->leases, &machine);
	done = done && act_for_machine(each, name, &machine);
	machine_free(&machine);
	return done;
}

/*
 * Acts for the machine that has a host name in reservations. Those in leases
 * don't count: a machine that claims another one's name would get its link.
 * -ENOENT: there is none, or a message says which file can't be read.
 */
static int act_for_reserved(const struct each *each, const char *name)
{
	struct hosts hosts;
	int done = -ENOENT;

	if (!hosts_find(name, each->ctl->leases, &hosts))
		return -ENOENT;
	const struct mac *card = host_only_card(&hosts.reserved);
	if (host_machines(&hosts.reserved) > 1) {
		host_warn_of_several(name, &hosts.reserved);
		done = false;
	} else if (card != NULL) {
		done = act_for_mac(each, name, card);
	} else if (hosts.reserved.count > 0) {
		done = act_for_members(each, name, &hosts.reserved);
	}
	hosts_free(&hosts);
	return done;
}

static bool act_for_host(const struct each *each, const char *name)
{
	struct machine machine = {.count = 0};

	if (address_begins(name))
		return print_error(name,
			"not a prefix, and not a range from a lower to a higher address");
	if (resolve_is_odd_address(name))
		return print_error(name,
			"not a canonical address (write it without leading zeros, in four parts)");
	const int error = resolve_host(name, AF_UNSPEC, add_address, &machine);
	int done = error == 0 ? act_for_machine(each, name, &machine)
	                      : act_for_reserved(each, name);
	machine_free(&machine);
	if (done != -ENOENT)
		return done;
	return print_error(name,
		"not an IP or MAC address, a UUID, a range, a prefix, a name in names/ or in a reservation; as a host name: %s",
		gai_strerror(error));
}

/* The identities of a name, for act_for_name(). */
struct name_action {
	const struct each *each;
	bool done;
	unsigned count; /* how many were acted for */
};

static void act_for_its_identity(const char *identity, void *context)
{
	struct name_action *action = context;
	const struct each *each = action->each;
	struct client client;

	if (each->choice == CHOICE_ALL && !client_parse(identity, &client))
		return; /* the log has addresses */
	if (each->choice == CHOICE_ENTRIES && !has_entry(each, identity))
		return;
	action->done = act_for_key(each, identity) && action->done;
	action->count++;
}

static void ignore_identity(const char *identity, void *context)
{
	(void)identity;
	(void)context;
}

/* Acts for a machine by its name. -ENOENT: there is no such name. */
static int act_for_name(const struct each *each, const char *name)
{
	struct name_action action = {.each = each, .done = true};
	const struct tree *tree = &each->ctl->tree;
	const bool by_name =
		each->choice == CHOICE_ONE || each->choice == CHOICE_ENTRIES;

	if (tree->root < 0)
		return -ENOENT; /* a command that needs no tree */
	const int count = names_each_identity(tree, name,
		each->choice == CHOICE_ONE ? ignore_identity
					   : act_for_its_identity,
		&action);

	if (count < 0)
		return print_error(NAMES_DIR, "%s", strerror(-count));
	const bool has_own =
		each->choice == CHOICE_ENTRIES && has_entry(each, name);
	if (count == 0 && !has_own)
		return -ENOENT;
	if (by_name &&
		(each->choice == CHOICE_ONE || has_own || action.count == 0))
		action.done = act_for_key(each, name) && action.done;
	return action.done;
}

static bool act_for_word(const struct each *each, const char *text)
{
	char uuid[UUID_KEY_SIZE];
	struct address first, last;
	struct mac mac;
	const char *why;

	if (identity_parse_uuid(text, uuid))
		return act_for_identity(each, uuid);
	if (mac_parse(text, &mac, &why))
		return act_for_mac(each, text, &mac);
	if (why != NULL)
		return print_error(text, "%s", why);
	if (address_parse(text, &first))
		return act_for_address(each, &first);
	if (address_prefix(text, &first, &last) ||
		address_range(text, &first, &last))
		return act_for_range(each, text, first, &last);
	const int done =
		identity_is_name(text) ? act_for_name(each, text) : -ENOENT;
	return done == -ENOENT ? act_for_host(each, text) : done;
}

/* bytes of a line, NUL included */
#define LINE_SIZE 65536

enum line {
	LINE_END,  /* no more lines, or a read error: ferror(3) */
	LINE_TEXT, /* a string, without the newline */
	LINE_NUL,  /* has a NUL byte, so it is not a string */
	LINE_LONG, /* did not fit */
};

/*
 * Reads a line of any length in constant memory. out is complete only after
 * LINE_TEXT. A last line needs no newline, unless a read error cut it off.
 */
static enum line read_line(FILE *file, char out[static LINE_SIZE])
{
	bool has_nul = false;
	size_t length = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		has_nul = has_nul || c == '\0';
		if (length < LINE_SIZE)
			out[length++] = (char)c;
	}
	if (c == EOF && (length == 0 || ferror(file)))
		return LINE_END;
	if (length == LINE_SIZE)
		return LINE_LONG;
	out[length] = '\0';
	return has_nul ? LINE_NUL : LINE_TEXT;
}

/* "#" begins a comment. */
static bool act_for_line(const struct each *each, char *line)
{
	char *rest = NULL;
	bool done = true;

	line[strcspn(line, "#")] = '\0';
	const char *word = strtok_r(line, " \t\r\n", &rest);
	for (; word != NULL; word = strtok_r(NULL, " \t\r\n", &rest))
		done = act_for_word(each, word) && done;
	return done;
}

/* Skips a line that can't be read completely. name is for messages. */
static bool act_for_lines(const struct each *each, FILE *file, const char *name)
{
	static char text[LINE_SIZE];
	bool done = true;
	enum line line;

	for (unsigned long long n = 1;
		(line = read_line(file, text)) != LINE_END; n++) {
		if (line == LINE_TEXT) {
			done = act_for_line(each, text) && done;
			continue;
		}
		if (line == LINE_NUL)
			warnx("%s, line %llu: left out, since it has a NUL byte",
				name, n);
		else
			warnx("%s, line %llu: left out, since it is longer than %d bytes",
				name, n, LINE_SIZE - 1);
		done = false;
	}
	if (ferror(file)) {
		warn("%s", name);
		done = false;
	}
	return done;
}

static bool act_for_input(const struct each *each)
{
	return act_for_lines(each, stdin, "standard input");
}

static bool act_for_file(const struct each *each, const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		warn("%s", path);
		return false;
	}
	const bool done = act_for_lines(each, file, path);
	fclose(file);
	return done;
}

static bool act_for_arguments(
	const struct each *each, int count, char *const arguments[])
{
	const char *file = each->ctl->file;
	bool done = true;

	if (file != NULL)
		done = strcmp(file, "-") == 0 ? act_for_input(each)
		                              : act_for_file(each, file);
	for (int i = 0; i < count; i++) {
		const bool did = strcmp(arguments[i], "-") == 0
		                         ? act_for_input(each)
		                         : act_for_word(each, arguments[i]);
		done = did && done;
	}
	return done;
}

bool clients_each(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context)
{
	const struct each each = {.ctl = ctl,
		.action = action,
		.context = context,
		.choice = CHOICE_ONE};

	return act_for_arguments(&each, count, arguments);
}

bool clients_each_entry(struct ctl *ctl, const char *const directories[],
	int count, char *const arguments[], client_action *action,
	void *context)
{
	const struct each each = {.ctl = ctl,
		.action = action,
		.context = context,
		.choice = CHOICE_ENTRIES,
		.directories = directories};

	return act_for_arguments(&each, count, arguments);
}

bool clients_each_identity(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context)
{
	const struct each each = {.ctl = ctl,
		.action = action,
		.context = context,
		.choice = CHOICE_IDENTITIES};

	return act_for_arguments(&each, count, arguments);
}

bool clients_each_known(struct ctl *ctl, int count, char *const arguments[],
	client_action *action, void *context)
{
	const struct each each = {.ctl = ctl,
		.action = action,
		.context = context,
		.choice = CHOICE_ALL};

	return act_for_arguments(&each, count, arguments);
}
