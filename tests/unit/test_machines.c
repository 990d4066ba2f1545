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

#define FOUND_SIZE 256

/* first is NULL: it is none. */
struct span {
	const char *text, *first, *last;
};

static const struct span prefixes[] = {
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
	{"2001:db8::7/128", "2001:db8::7", "2001:db8::7"},
	{"10.0.0.255/31", "10.0.0.254", "10.0.0.255"},
	{"010.0.0.0/28", NULL, NULL},
	{"10.0.0.0/028", "10.0.0.0", "10.0.0.15"},
	{"10.0.0.0/28x", NULL, NULL},
	{"node7/28", NULL, NULL},
};

static const struct span ranges[] = {
	{"10.0.0.10-10.0.0.20", "10.0.0.10", "10.0.0.20"},
	{"10.0.0.255-10.0.1.0", "10.0.0.255", "10.0.1.0"},
	{"2001:db8::1-2001:db8::2", "2001:db8::1", "2001:db8::2"},
	{"10.0.0.1-2001:db8::2", NULL, NULL},
	{"10.0.0.1-", NULL, NULL},
	{"-10.0.0.1", NULL, NULL},
	{"10.0.0.7-10.0.0.7", "10.0.0.7", "10.0.0.7"},
	{"10.0.0.8-10.0.0.7", NULL, NULL},
	{"10.0.0.7-node7", NULL, NULL},
	{"10.0.0.7", NULL, NULL},
};

static bool is_named(const struct address *address, const char *name)
{
	struct client client;

	address_client(address, &client);
	return strcmp(client.key, name) == 0;
}

static void test_span(const struct span *span,
	bool (*parse)(const char *, struct address *, struct address *))
{
	struct address first, last;
	const bool is = parse(span->text, &first, &last);

	tap_ok(span->first == NULL ? !is
				   : is && is_named(&first, span->first) &&
					     is_named(&last, span->last),
		span->text);
}

static void test_ranges(void)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		test_span(&prefixes[i], address_prefix);
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		test_span(&ranges[i], address_range);
}

/* What comes after an address; NULL: nothing. */
static const char *const nexts[][2] = {
	{"10.0.0.7", "10.0.0.8"},
	{"10.0.0.255", "10.0.1.0"},
	{"2001:db8::ffff", "2001:db8::1:0"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
};

static void test_next(void)
{
	struct address address, next;

	for (size_t i = 0; i < sizeof nexts / sizeof nexts[0]; i++) {
		bool good = address_parse(nexts[i][0], &address);
		next = address;
		const bool is = address_next(&next);
		if (nexts[i][1] == NULL)
			good = good && !is;
		else
			good = good && is && is_named(&next, nexts[i][1]) &&
			       address_compare(&address, &next) < 0;
		tap_ok(good, nexts[i][0]);
	}
}

static const char *const macs[] = {"00:00:5e:00:53:0b", "0:0:5e:0:53:b",
	"00-00-5E-00-53-0B", "0000.5e00.530b", "00005e00530b",
	"01-00-00-5e-00-53-0b", "01:00:00:5e:00:53:0b"};

static const struct {
	const char *text;
	bool has_reason; /* it looks like a MAC address */
} not_macs[] = {
	{"00:00:5e:00:53", true},
	{"00:00:5e:00:53:0b:0c", true},
	{"06-00-00-5e-00-53-0b", true},
	{"00:00:5e:00:53:0b:0c:0d", true},
	{"00005e00530b0", true},
	{"01:00:5e:00:00:01", true},
	{"ff:ff:ff:ff:ff:ff", true},
	{"00:00:00:00:00:00", true},
	{"00:00:5e:00:53:0g", false},
	{"00:00-5e:00:53:0b", false},
	{"0000.5e00.530", false},
	{"00005e00530", false},
	{"2001:db8::7", false},
	{"1:2:3:4:5:6:7:8", false},
	{"db-01-02", false},
	{"node7", false},
	{"", false},
};

static void test_macs(void)
{
	char text[MAC_SIZE];
	const char *why;

	for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
		struct mac mac;
		const bool is = mac_parse(macs[i], &mac, &why);
		mac_text(&mac, text);
		tap_ok(is && why == NULL && strcmp(text, macs[0]) == 0,
			macs[i]);
	}
	for (size_t i = 0; i < sizeof not_macs / sizeof not_macs[0]; i++) {
		static const struct mac nobody;
		struct mac mac = nobody;
		const bool is = mac_parse(not_macs[i].text, &mac, &why);
		if (!tap_ok(!is && (why != NULL) == not_macs[i].has_reason &&
				    mac_equal(&mac, &nobody),
			    not_macs[i].text))
			printf("# reason: %s\n", why == NULL ? "none" : why);
	}
}

/* Writes a lease as "10.0.0.7=0b": held by that machine; ~: not held now. */
static void note_lease(const struct lease *lease, void *context)
{
	char *found = context;
	const size_t length = strlen(found);
	struct client client;

	address_client(&lease->address, &client);
	snprintf(found + length, FOUND_SIZE - length, "%s%s=%02x ",
		lease->holds ? "" : "~", client.key, lease->mac.bytes[5]);
}

#define ACTIVE                                             \
	"  starts 4 2026/11/26 19:56:59;\n  ends never;\n" \
	"  binding state active;\n  hardware ethernet 00:00:5e:00:53:0b;\n"
#define LEASE "lease 10.0.0.7 {\n" ACTIVE "}\n"

static const struct {
	const char *what, *text;
	int err;
	const char *found;
} files[] = {
	{"dnsmasq",
		"9999999999 00:00:5e:00:53:0b 10.0.0.7 node7 *\n"
		"1000000000 00:00:5e:00:53:0c 10.0.0.8 * *\n"
		"0 00:00:5e:00:53:0d 10.0.0.9 * *\n",
		0, "10.0.0.7=0b ~10.0.0.8=0c 10.0.0.9=0d "},
	{"dnsmasq, of a machine with a hardware type",
		"0 01-00:00:5e:00:53:0b 10.0.0.7 * *\n", 0, "10.0.0.7=0b "},
	{"dnsmasq, of a machine without a MAC address",
		"0 06-00:00:5e:00:53:0b 10.0.0.7 * *\n", 0, "10.0.0.7=00 "},
	{"dnsmasq, with leases of DHCPv6",
		"0 00:00:5e:00:53:0b 10.0.0.7 * *\nduid 00:01:00:01\n"
		"0 7 2001:db8::7 * 00:01\n",
		0, "10.0.0.7=0b "},
	{"dnsmasq, of DHCPv6 alone",
		"duid 00:01:00:01\n0 7 2001:db8::7 * 00:01\n", -EBADMSG, NULL},
	{"dnsmasq, whose last line is not written yet",
		"0 00:00:5e:00:53:0b 10.0.0.7 * *\n0 00:00:5e", 0,
		"10.0.0.7=0b "},
	{"dnsmasq, without a clock", "3600 00:00:5e:00:53:0b 10.0.0.7 * *\n",
		-EBADMSG, NULL},
	{"dnsmasq, with an expiry that is too great",
		"99999999999999999999 00:00:5e:00:53:0b 10.0.0.7 * *\n",
		-EBADMSG, NULL},
	{"dnsmasq, with a bad address", "0 00:00:5e:00:53:0b 10.0.0.256 * *\n",
		-EBADMSG, NULL},
	{"dnsmasq, with a control character",
		"0 00:00:5e:00:53:0b 10.0.0.7 \x1b *\n", -EBADMSG, NULL},
	{"dhcpd", LEASE, 0, "10.0.0.7=0b "},
	{"dhcpd, in one line",
		"lease 10.0.0.7{binding state active;hardware ethernet "
		"0:0:5e:0:53:b;}",
		0, "10.0.0.7=0b "},
	{"dhcpd, a lease that is over",
		"lease 10.0.0.7 {\n  ends 4 2020/11/26 19:56:59;\n"
		"  binding state active;\n}\n",
		0, "~10.0.0.7=00 "},
	{"dhcpd, a lease that is over, in seconds",
		"lease 10.0.0.7 {\n  ends epoch 1000000000;\n"
		"  binding state active;\n}\n",
		0, "~10.0.0.7=00 "},
	{"dhcpd, a lease that was given back",
		"lease 10.0.0.7 {\n  ends never;\n  binding state free;\n}\n",
		0, "~10.0.0.7=00 "},
	{"dhcpd, two records of one address", LEASE LEASE, 0,
		"10.0.0.7=0b 10.0.0.7=0b "},
	{"dhcpd, with marks in comments and strings",
		"# { ;\nserver-duid \"}\\\"{\";\n" LEASE, 0, "10.0.0.7=0b "},
	{"dhcpd, with blocks inside and outside",
		"failover peer \"a\" state {\n  my state normal;\n}\n"
		"lease 10.0.0.7 {\n  on expiry { set x = 1; }\n" ACTIVE "}\n",
		0, "10.0.0.7=0b "},
	{"dhcpd, cut off", "lease 10.0.0.7 {\n" ACTIVE, 0, ""},
	{"dhcpd, cut off, and more behind it",
		"lease 10.0.0.6 {\n  starts 4 2026/11/26\n" LEASE, 0,
		"10.0.0.7=0b "},
	{"dhcpd, cut off in its first word", LEASE "lea", 0, "10.0.0.7=0b "},
	{"dhcpd, with a bad time", "lease 10.0.0.7 {\n  ends 4 yesterday;\n}\n",
		-EBADMSG, NULL},
	{"dhcpd, of DHCPv6",
		"ia-na \"x\" {\n  iaaddr 2001:db8::7 {\n"
		"    binding state active;\n  }\n}\n",
		-EBADMSG, NULL},
	{"dhcpd, of OpenBSD",
		"lease 10.0.0.7 {\n\tstarts 4 2026/11/26 19:56:59 UTC;\n"
		"\tends 4 2030/11/26 19:56:59 UTC;\n}\n",
		-EBADMSG, NULL},
	{"dhcpd, one brace too many", LEASE "}\n", -EBADMSG, NULL},
	{"nothing", "", 0, ""},
	{"comments", "# nothing\n", 0, ""},
	{"another format", "address,hwaddr,client_id\n", -EBADMSG, NULL},
};

static void test_leases(void)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char found[FOUND_SIZE] = "";
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
	char found[FOUND_SIZE] = "";
	tap_ok(leases_read("missing", note_lease, found) == -ENOENT, "missing");
	tap_ok(leases_read(".", note_lease, found) == -EISDIR, "a directory");
	tap_ok(mkfifo("fifo", 0600) == 0 &&
			leases_read("fifo", note_lease, found) == -ESPIPE,
		"a FIFO");
}

int main(void)
{
	char base[PATH_MAX], command[PATH_MAX + 16];

	test_ranges();
	test_next();
	test_macs();
	scratch_enter(base, sizeof base);
	test_leases();
	snprintf(command, sizeof command, "rm -rf -- '%s'", base);
	if (chdir("/") < 0 || system(command) != 0)
		stop(command);
	return tap_end();
}
