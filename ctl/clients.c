/* SPDX-License-Identifier: MIT */
/* From the words of a command line or of standard input to clients. */
#include "ctl/clients.h"

#include <err.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "boot/text.h"
#include "ctl/address.h"
#include "ctl/choice.h"
#include "ctl/ctl.h"
#include "ctl/mac.h"
#include "ctl/machine.h"
#include "ctl/words.h"

/* Addresses that one argument may stand for; and with --force. */
#define MANY 4096
#define MANY_FORCED (1 << 24)

bool clients_refuse(const char *word, const char *format, ...)
{
	char shown[1024], why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	escape_line(word, shown, sizeof shown);
	warnx("%s: %s", shown, why);
	return false;
}

static bool act(const struct each *each, const struct address *address)
{
	struct client client;

	address_client(address, &client);
	return each->action(each->ctl, &client, each->context);
}

static bool act_from_to(const struct each *each, const char *text,
	struct address at, const struct address *last)
{
	const unsigned most = each->ctl->force ? MANY_FORCED : MANY;
	struct address end = at;

	/* Counted before anything is done. */
	for (unsigned n = 1; address_compare(&end, last) < 0; n++) {
		if (n == most)
			return clients_refuse(text, "more than %u addresses%s",
				most,
				each->ctl->force ? "" : " (--force allows it)");
		address_next(&end);
	}
	for (bool done = true;;) {
		done = act(each, &at) && done;
		if (address_compare(&at, last) >= 0)
			return done;
		address_next(&at);
	}
}

/* Whether it would be taken for some number, such as 010.0.0.7 or 10.1. */
static bool is_odd_address(const char *text)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
	struct addrinfo *found;

	if (getaddrinfo(text, NULL, &hints, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

static bool act_for_host(const struct each *each, const char *name)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char text[INET6_ADDRSTRLEN];
	struct address address;
	struct machine machine = {.count = 0};

	if (address_begins(name))
		return clients_refuse(name,
			"not a prefix, and not a range from a "
			"lower to a higher address");
	if (is_odd_address(name))
		return clients_refuse(name,
			"not a canonical address (write it without "
			"leading zeros, in four parts)");
	const int error = getaddrinfo(name, NULL, &hints, &found);
	if (error != 0)
		return clients_refuse(name,
			"no IP or MAC address, range or prefix, and as a host "
			"name: %s",
			gai_strerror(error));
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text,
			    NULL, 0, NI_NUMERICHOST) == 0 &&
			address_parse(text, &address))
			machine_add(&machine, &address);
	}
	freeaddrinfo(found);
	const bool done = choice_act(each, name, &machine);
	machine_free(&machine);
	return done;
}

static bool act_for_mac(
	const struct each *each, const char *text, const struct mac *mac)
{
	struct machine machine;

	if (!machine_of_mac(mac, each->ctl->leases, &machine))
		return false;
	const bool done = choice_act(each, text, &machine);
	machine_free(&machine);
	return done;
}

static bool act_for(const struct each *each, const char *text)
{
	struct address first, last;
	struct mac mac;
	const char *why;

	if (mac_parse(text, &mac, &why))
		return act_for_mac(each, text, &mac);
	if (why != NULL)
		return clients_refuse(text, "%s", why);
	if (address_parse(text, &first))
		return act(each, &first);
	if (address_prefix(text, &first, &last) ||
		address_range(text, &first, &last))
		return act_from_to(each, text, first, &last);
	return act_for_host(each, text);
}

/* What stands behind a "#" is a comment. */
static bool act_for_line(const struct each *each, char *line)
{
	char *rest = NULL;
	bool done = true;

	line[strcspn(line, "#")] = '\0';
	const char *word = strtok_r(line, " \t\r\n", &rest);
	for (; word != NULL; word = strtok_r(NULL, " \t\r\n", &rest))
		done = act_for(each, word) && done;
	return done;
}

/* A line that is not understood whole is left out whole. */
static bool act_for_input(const struct each *each)
{
	static char text[LINE_SIZE];
	bool done = true;
	enum line line;

	for (unsigned long long n = 1;
		(line = line_read(stdin, text)) != LINE_END; n++) {
		if (line == LINE_TEXT) {
			done = act_for_line(each, text) && done;
			continue;
		}
		if (line == LINE_NUL)
			warnx("standard input, line %llu: left out, since it "
			      "has a NUL byte",
				n);
		else
			warnx("standard input, line %llu: left out, since it "
			      "is longer than %d bytes",
				n, LINE_SIZE - 1);
		done = false;
	}
	if (ferror(stdin)) {
		warn("standard input");
		done = false;
	}
	return done;
}

static bool act_for_arguments(
	const struct each *each, int count, char *const arguments[])
{
	bool done = true;

	for (int i = 0; i < count; i++) {
		const bool did = strcmp(arguments[i], "-") == 0
		                         ? act_for_input(each)
		                         : act_for(each, arguments[i]);
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

bool clients_each_entry(struct ctl *ctl, const char *directory, int count,
	char *const arguments[], client_action *action, void *context)
{
	const struct each each = {.ctl = ctl,
		.action = action,
		.context = context,
		.choice = CHOICE_ENTRIES,
		.directory = directory};

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
