/* SPDX-License-Identifier: MIT */
/* What a machine's entries may be called, and which subnet it is in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/keys.h"
#include "boot/subnet.h"
#include "boot/tree.h"
#include "scratch.h"
#include "tap.h"

#define ADDRESS "10.0.0.7"
#define MAC "00:00:5e:00:53:07"
#define UUID "123e4567-e89b-12d3-a456-426614174000"

static struct tree tree;

static void name(const char *identity, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, NAMES_DIR "/%s", identity);
	unlink(path);
	if (text != NULL && symlink(text, path) < 0)
		stop(path);
}

/* Whether the keys are these, with a blank behind each. */
static bool has_keys(const struct identities *who, const char *want)
{
	struct keys keys;
	struct keys_trouble trouble;
	char all[512] = "";

	if (!keys_find(&tree, who, &keys, &trouble))
		return false;
	for (unsigned i = 0; i < keys.count; i++) {
		strcat(all, keys.list[i]);
		strcat(all, " ");
	}
	return strcmp(all, want) == 0;
}

static bool is_trouble(const struct identities *who, const char *entry,
	int error, enum reason reason)
{
	struct keys keys;
	struct keys_trouble trouble;

	return !keys_find(&tree, who, &keys, &trouble) &&
	       strcmp(trouble.entry, entry) == 0 && trouble.error == error &&
	       trouble.reason == reason && trouble.words != NULL;
}

static void test_keys(void)
{
	static const struct identities all = {UUID, MAC, ADDRESS},
				       one = {.address = ADDRESS},
				       two = {.mac = MAC, .address = ADDRESS};

	tap_ok(has_keys(&one, ADDRESS " "), "there is no names/");
	if (mkdir(NAMES_DIR, 0755) < 0)
		stop(NAMES_DIR);
	tap_ok(has_keys(&all, UUID " " MAC " " ADDRESS " "), "no name");
	name(ADDRESS, "by-address");
	tap_ok(has_keys(&all, "by-address " UUID " " MAC " " ADDRESS " "),
		"the name comes first");
	name(MAC, "by-mac");
	tap_ok(has_keys(&two, "by-mac " MAC " " ADDRESS " "),
		"a MAC address's name counts before an address's");
	name(UUID, "by-uuid");
	tap_ok(has_keys(&all, "by-uuid " UUID " " MAC " " ADDRESS " "),
		"a UUID's counts before either");
	tap_ok(has_keys(&one, "by-address " ADDRESS " "),
		"who says nothing has the address's");
	name(MAC, "no/name");
	tap_ok(has_keys(&all, "by-uuid " UUID " " MAC " " ADDRESS " "),
		"what is not needed is not looked at");
	tap_ok(is_trouble(&two, NAMES_DIR "/" MAC, EINVAL, REASON_FORBIDDEN),
		"a text that is no name");
	name(MAC, NULL);
	if (mkdir(NAMES_DIR "/" MAC, 0755) < 0)
		stop(MAC);
	tap_ok(is_trouble(&two, NAMES_DIR "/" MAC, EINVAL, REASON_FORBIDDEN),
		"a directory");
	rmdir(NAMES_DIR "/" MAC);
	name(UUID, NULL);
	name(ADDRESS, NULL);
	rmdir(NAMES_DIR);
}

static void test_links_for_names(void)
{
	static const struct identities one = {.address = ADDRESS};

	if (symlink("nowhere", NAMES_DIR) < 0)
		stop(NAMES_DIR);
	tap_ok(has_keys(&one, ADDRESS " "), "names/ leads nowhere");
	unlink(NAMES_DIR);
	if (symlink(NAMES_DIR, NAMES_DIR) < 0)
		stop(NAMES_DIR);
	tap_ok(is_trouble(&one, NAMES_DIR "/" ADDRESS, ELOOP, REASON_MISSING),
		"names/ leads to itself");
	unlink(NAMES_DIR);
}

static const struct {
	const char *address;
	unsigned length;
	const char *want; /* NULL: there is no such length */
} networks[] = {
	{"10.0.7.9", 32, "10.0.7.9_32"},
	{"10.0.7.9", 31, "10.0.7.8_31"},
	{"10.0.7.9", 24, "10.0.7.0_24"},
	{"10.0.7.9", 23, "10.0.6.0_23"},
	{"255.255.255.255", 17, "255.255.128.0_17"},
	{"255.255.255.255", 1, "128.0.0.0_1"},
	{"10.0.7.9", 0, "0.0.0.0_0"},
	{"10.0.7.9", 33, NULL},
	{"2001:db8:7::9", 128, "2001:db8:7::9_128"},
	{"2001:db8:7::9", 124, "2001:db8:7::_124"},
	{"2001:db8:7::9", 48, "2001:db8:7::_48"},
	{"2001:db8:7::9", 44, "2001:db8::_44"},
	{"ffff:ffff::1", 28, "ffff:fff0::_28"},
	{"2001:db8:7::9", 4, "2000::_4"},
	{"2001:db8:7::9", 0, "::_0"},
	{"2001:db8:7::9", 132, NULL},
	{"2001:db8:7::9", 63, NULL},
	{"2001:db8:7::9", 1, NULL},
	{"10.0.7", 24, NULL},
	{"node7", 0, NULL},
	{"", 0, NULL},
};

static void test_subnet_names(void)
{
	for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
		char name[SUBNET_NAME_SIZE] = "untouched", what[64];
		const char *want = networks[i].want;
		const bool is = subnet_name(
			networks[i].address, networks[i].length, name);
		snprintf(what, sizeof what, "%s, length %u",
			networks[i].address, networks[i].length);
		tap_ok(is == (want != NULL) &&
				strcmp(name, is ? want : "untouched") == 0,
			what);
	}
}

static const struct {
	const char *text, *marks, *address; /* address is NULL: it is none */
	unsigned length;
} subnets[] = {
	{"10.0.7.0/24", "/_", "10.0.7.0", 24},
	{"10.0.7.9_24", "_", "10.0.7.9", 24},
	{"2001:DB8:7:0::_64", "/_", "2001:db8:7::", 64},
	{"2001:db8:7::/63", "/", "2001:db8:7::", 63},
	{"10.0.7.0/128", "/", "10.0.7.0", 128},
	{"10.0.7.0/24", "_", NULL, 0},
	{"10.0.7.0/129", "/", NULL, 0},
	{"10.0.7.0/24/24", "/", NULL, 0},
	{"10.0.7.0/-1", "/", NULL, 0},
	{"10.0.7.0/", "/", NULL, 0},
	{"10.0.7.0", "/", NULL, 0},
	{"/24", "/", NULL, 0},
	{"rack/24", "/", NULL, 0},
	{"2001:db8:0000:0000:0000:0000:000000000000000000/64", "/", NULL, 0},
	{"", "/", NULL, 0},
};

static void test_subnet_texts(void)
{
	for (size_t i = 0; i < sizeof subnets / sizeof subnets[0]; i++) {
		struct subnet subnet = {.address = "", .length = 0};
		const bool is = subnet_parse(
			subnets[i].text, subnets[i].marks, &subnet);
		const char *want = is ? subnets[i].address : "";
		tap_ok(is == (subnets[i].address != NULL) &&
				strcmp(subnet.address, want) == 0 &&
				subnet.length == subnets[i].length,
			subnets[i].text);
	}
}

static bool finds(
	const char *address, int want, const char *entry, const char *link_text)
{
	char name[SUBNET_NAME_SIZE], text[PATH_MAX];
	const int found = subnet_find(&tree, address, name, text);

	return found == want &&
	       (found == 0 ||
		       (strcmp(name, entry) == 0 &&
			       (found < 0 || strcmp(text, link_text) == 0)));
}

static void add_subnet(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, SUBNET_DIR "/%s", name);
	if (symlink(text, path) < 0)
		stop(path);
}

static void test_subnets(void)
{
	tap_ok(finds("10.0.7.9", 0, "", ""), "there is no subnet/");
	if (symlink(SUBNET_DIR, SUBNET_DIR) < 0)
		stop(SUBNET_DIR);
	tap_ok(finds("10.0.7.9", -ELOOP, "", ""), "subnet/ leads to itself");
	unlink(SUBNET_DIR);
	if (mkdir(SUBNET_DIR, 0755) < 0)
		stop(SUBNET_DIR);
	tap_ok(finds("10.0.7.9", 0, "", "") && finds("::1", 0, "", ""),
		"it is empty");
	add_subnet("0.0.0.0_0", "all");
	add_subnet("::_0", "all6");
	add_subnet("10.0.7.9_24", "host bits");
	tap_ok(finds("10.0.7.9", 1, "0.0.0.0_0", "all"), "all of IPv4");
	tap_ok(finds("2001:db8:7::9", 1, "::_0", "all6"), "all of IPv6");
	add_subnet("10.0.0.0_8", "site");
	add_subnet("10.0.7.0_24", "rack");
	add_subnet("2001:db8:7::_64", "rack6");
	tap_ok(finds("10.0.7.9", 1, "10.0.7.0_24", "rack"),
		"the longest prefix");
	tap_ok(finds("10.0.8.9", 1, "10.0.0.0_8", "site"), "what is beside it");
	tap_ok(finds("2001:db8:7::9", 1, "2001:db8:7::_64", "rack6") &&
			finds("2001:db8:7:1::", 1, "::_0", "all6"),
		"of IPv6, too");
	if (mkdir(SUBNET_DIR "/10.0.7.9_32", 0755) < 0)
		stop(SUBNET_DIR);
	tap_ok(finds("10.0.7.9", 1, "10.0.7.9_32", ""),
		"something that is no link counts");
	tap_ok(finds("-", 0, "", ""), "no address is in no subnet");
}

static void clear_subnets(void)
{
	static const char *const names[] = {"0.0.0.0_0", "::_0", "10.0.7.9_24",
		"10.0.0.0_8", "10.0.7.0_24", "2001:db8:7::_64"};
	char path[128];

	rmdir(SUBNET_DIR "/10.0.7.9_32");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, SUBNET_DIR "/%s", names[i]);
		unlink(path);
	}
	rmdir(SUBNET_DIR);
}

int main(void)
{
	char scratch[PATH_MAX];

	scratch_enter(scratch, sizeof scratch);
	if (tree_open(scratch, "", &tree) < 0)
		stop(scratch);
	test_keys();
	test_links_for_names();
	test_subnet_names();
	test_subnet_texts();
	test_subnets();
	tree_close(&tree);
	clear_subnets();
	rmdir(scratch);
	return tap_end();
}
