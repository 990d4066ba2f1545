/* SPDX-License-Identifier: MIT */
/* How machines are named: addresses, ranges, prefixes, MAC addresses, hosts. */
#include <stdio.h>
#include <string.h>

#include "ctl/address.h"
#include "ctl/host.h"
#include "ctl/mac.h"
#include "tap.h"

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

static const struct {
	const char *asked, *found;
	bool matches;
} hosts[] = {
	{"node7", "node7", true},
	{"node7", "NODE7", true},
	{"Node7", "node7.", true},
	{"node7.", "node7", true},
	{"node7", "node7.example.org", true},
	{"node7", "node7.example.org.", true},
	{"node7.", "node7.example.org", true},
	{"node7.example.org", "node7.Example.org.", true},
	{"node7.example.org", "node7", false},
	{"node7.example.org", "node7.example", false},
	{"node7.example", "node7.example.org", false},
	{"node7", "node70", false},
	{"node7", "node70.example.org", false},
	{"node70", "node7", false},
	{"node7", "rack.node7", false},
	{"node7", "node7-a", false},
	{"node7", "", false},
	{".", "", false},
	{"", "", false},
	{"", ".example.org", false},
};

static void test_hosts(void)
{
	char what[64];

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		snprintf(what, sizeof what, "%s is asked for, %s is there",
			hosts[i].asked, hosts[i].found);
		tap_ok(host_name_matches(hosts[i].asked, hosts[i].found) ==
				hosts[i].matches,
			what);
	}
}

int main(void)
{
	test_hosts();
	test_ranges();
	test_next();
	test_macs();
	return tap_end();
}
