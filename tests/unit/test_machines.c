/* SPDX-License-Identifier: MIT */
/* How machines are named: addresses, ranges, prefixes, MAC addresses, leases.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/address.h"
#include "ctl/leases.h"
#include "ctl/mac.h"
#include "scratch.h"
#include "tap.h"

/* first is NULL: it is none. */
static const struct {
	const char *text, *first, *last;
} prefixes[] =
	{
		{"10.0.0.0/28", "10.0.0.0", "10.0.0.15"},
		{"10.0.0.9/28", "10.0.0.0", "10.0.0.15"},
		{"10.0.0.7/32", "10.0.0.7", "10.0.0.7"},
		{"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
		{"2001:db8::/120", "2001:db8::", "2001:db8::ff"},
		{"10.0.0.0/33", NULL, NULL},
		{"10.0.0.0/", NULL, NULL},
		{"10.0.0.0/-1", NULL, NULL},
		{"10.0.0/24", NULL, NULL},
		{"2001:db8::/129", NULL, NULL},
},
  ranges[] = {
	  {"10.0.0.10-10.0.0.20", "10.0.0.10", "10.0.0.20"},
	  {"10.0.0.255-10.0.1.0", "10.0.0.255", "10.0.1.0"},
	  {"2001:db8::1-2001:db8::2", "2001:db8::1", "2001:db8::2"},
	  {"10.0.0.1-2001:db8::2", NULL, NULL},
	  {"10.0.0.1-", NULL, NULL},
	  {"-10.0.0.1", NULL, NULL},
};

static bool is_named(const struct address *address, const char *name)
{
	struct client client;

	address_client(address, &client);
	return strcmp(client.name, name) == 0;
}

static void test_ranges(void)
{
	struct address first, last;

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		const bool is = address_prefix(prefixes[i].text, &first, &last);
		tap_ok(prefixes[i].first == NULL
				? !is
				: is && is_named(&first, prefixes[i].first) &&
					  is_named(&last, prefixes[i].last),
			prefixes[i].text);
	}
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		const bool is = address_range(ranges[i].text, &first, &last);
		tap_ok(ranges[i].first == NULL
				? !is
				: is && is_named(&first, ranges[i].first) &&
					  is_named(&last, ranges[i].last),
			ranges[i].text);
	}
}

static const char *const macs[] = {"00:00:5e:00:53:0b", "0:0:5e:0:53:b",
	"00-00-5E-00-53-0B", "0000.5e00.530b", "00005e00530b",
	"01-00-00-5e-00-53-0b"};
static const char *const not_macs[] = {"00:00:5e:00:53", "00:00:5e:00:53:0b:0c",
	"00:00:5e:00:53:0g", "0000.5e00.530", "node7", ""};

static void test_macs(void)
{
	char text[MAC_SIZE];
	const char *why;
	struct mac mac;

	for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
		const bool is = mac_parse(macs[i], &mac, &why);
		mac_text(&mac, text);
		tap_ok(is && strcmp(text, macs[0]) == 0, macs[i]);
	}
	for (size_t i = 0; i < sizeof not_macs / sizeof not_macs[0]; i++)
		tap_ok(!mac_parse(not_macs[i], &mac, &why), not_macs[i]);
}

/* What was found: addresses that are held now, each with a blank. */
static void note_lease(const struct lease *lease, void *context)
{
	struct client client;

	if (!lease->holds)
		return;
	address_client(&lease->address, &client);
	strcat(strcat(context, client.name), " ");
}

static const struct {
	const char *what, *text;
	int err;
	const char *found;
} files[] = {
	{"dnsmasq",
		"9999999999 00:00:5e:00:53:0b 10.0.0.7 node7 *\n"
		"1000000000 00:00:5e:00:53:0c 10.0.0.8 * *\n"
		"0 00:00:5e:00:53:0d 10.0.0.9 * *\n",
		0, "10.0.0.7 10.0.0.9 "},
	{"dhcpd",
		"lease 10.0.0.7 {\n  starts 4 2026/11/26 19:56:59;\n"
		"  ends never;\n  binding state active;\n"
		"  hardware ethernet 00:00:5e:00:53:0b;\n}\n",
		0, "10.0.0.7 "},
	{"dhcpd, cut off",
		"lease 10.0.0.7 {\n  starts 4 2026/11/26 19:56:59;\n"
		"  ends never;\n  binding state active;\n",
		0, ""},
	{"nothing", "", 0, ""},
	{"another format", "address,hwaddr,client_id\n", -EBADMSG, NULL},
};

static void test_leases(void)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char found[256] = "";
		FILE *file = fopen("leases", "w");
		if (file == NULL || fputs(files[i].text, file) == EOF ||
			fclose(file) != 0)
			stop("leases");
		const int err = leases_read("leases", note_lease, found);
		if (!tap_ok(err == files[i].err &&
				    (err < 0 ||
					    strcmp(found, files[i].found) == 0),
			    files[i].what))
			printf("# %d, found: %s\n", err, found);
	}
}

int main(void)
{
	char base[PATH_MAX], command[PATH_MAX + 16];

	test_ranges();
	test_macs();
	scratch_enter(base, sizeof base);
	test_leases();
	snprintf(command, sizeof command, "rm -rf -- '%s'", base);
	if (chdir("/") < 0 || system(command) != 0)
		stop(command);
	return tap_end();
}
