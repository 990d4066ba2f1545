/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "boot/identity.h"
#include "cgi/identify.h"
#include "cgi/percent.h"
#include "tap.h"

#define MAC "00:00:5e:00:53:af"
#define UUID "123e4567-e89b-12d3-a456-426614174abc"
#define N16 "nnnnnnnnnnnnnnnn"

/* What a text is, in canonical form; NULL: it is refused. */
struct parsing {
	const char *text, *want;
};

static const struct parsing macs[] = {
	{"00:00:5e:00:53:af", MAC},
	{"00:00:5E:00:53:AF", MAC},
	{"00-00-5e-00-53-aF", MAC},
	{"00005E0053af", MAC},
	{"02:00:00:00:00:00", "02:00:00:00:00:00"},
	{"fe:ff:ff:ff:ff:ff", "fe:ff:ff:ff:ff:ff"},
	{"00:00-5e:00:53:af", NULL},
	{"0000.5e00.53af", NULL},
	{"0000:5e00:53af", NULL},
	{"00:00:5e:00:53:a", NULL},
	{"00:00:5e:00:53:af:", NULL},
	{"00:00:5e:00:53:af:01", NULL},
	{":00:00:5e:00:53:af", NULL},
	{"00:00:5e:00:53:ag", NULL},
	{"00:00:5e:00:53:\xe0\xaf", NULL},
	{" 00:00:5e:00:53:af", NULL},
	{"00:00:5e:00:53:af\n", NULL},
	{"00005e0053a", NULL},
	{"00005e0053af0", NULL},
	{"0x005e0053af", NULL},
	{"0:0:5e:0:53:af", NULL},
	{"00:00:00:00:00:00", NULL},
	{"ff:ff:ff:ff:ff:ff", NULL},
	{"01:00:5e:00:53:af", NULL},
	{"0F:00:5e:00:53:af", NULL},
	{"${mac}", NULL},
	{"", NULL},
};

static const struct parsing uuids[] = {
	{UUID, UUID},
	{"123E4567-E89B-12D3-A456-426614174ABC", UUID},
	{"00000000-0000-0000-0000-000000000000",
		"00000000-0000-0000-0000-000000000000"},
	{"123e4567e89b12d3a456426614174abc", NULL},
	{"123e4567:e89b:12d3:a456:426614174abc", NULL},
	{"123e4567-e89b-12d3-a456-426614174ab", NULL},
	{"123e4567-e89b-12d3-a456-426614174abcd", NULL},
	{"123e456-7e89b-12d3-a456-426614174abc", NULL},
	{"-123e4567-e89b-12d3-a456-426614174abc", NULL},
	{"{123e4567-e89b-12d3-a456-426614174abc}", NULL},
	{"123e4567-e89b-12d3-a456-42661417gabc", NULL},
	{"123e4567-e89b-12d3-a456", NULL},
	{"", NULL},
};

static bool is_as_wanted(bool is, const char *got, const char *want)
{
	return is == (want != NULL) &&
	       strcmp(got, want == NULL ? "untouched" : want) == 0;
}

static void test_parsing(void)
{
	for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
		char key[MAC_KEY_SIZE] = "untouched";
		const bool is = identity_parse_mac(macs[i].text, key);
		tap_ok(is_as_wanted(is, key, macs[i].want), macs[i].text);
	}
	for (size_t i = 0; i < sizeof uuids / sizeof uuids[0]; i++) {
		char key[UUID_KEY_SIZE] = "untouched";
		const bool is = identity_parse_uuid(uuids[i].text, key);
		tap_ok(is_as_wanted(is, key, uuids[i].want), uuids[i].text);
	}
}

static void test_shared(void)
{
	static const char *const shared[] = {
		"00000000-0000-0000-0000-000000000000",
		"ffffffff-ffff-ffff-ffff-ffffffffffff",
		"fefefefe-fefe-fefe-fefe-fefefefefefe",
		"00020003-0004-0005-0006-000700080009",
		"03000200-0400-0500-0006-000700080009",
	};
	static const char *const own[] = {
		UUID,
		"03000200-0400-0500-0006-000700080008",
		"00000000-0000-0000-0000-000000000001",
		"00000000-0000-0000-0000-0000000000f0",
		"0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0ff0",
		"10000000-0000-0000-0000-000000000000",
	};

	for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
		tap_ok(identity_is_shared_uuid(shared[i]), shared[i]);
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		tap_ok(!identity_is_shared_uuid(own[i]), own[i]);
}

static void test_names(void)
{
	static const char *const good[] = {"node7", "n", "Node-7.rack_3", "7",
		"-", "a.", "10.0.0", "10.0.0.256", "010.0.0.7", "fe80",
		"00005e0053", "123e4567e89b12d3a456426614174abc",
		N16 N16 N16 N16};
	static const char *const bad[] = {"", ".", "..", ".node7", "node 7",
		"node/7", "node,7", "node:7", "node\n",
		"n\xc3\xb6"
		"de",
		"10.0.0.7", "00005e0053af", "01005e0053AF", "000000000000",
		"00-00-5e-00-53-af", UUID, N16 N16 N16 N16 "n"};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		tap_ok(identity_is_name(good[i]), good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		tap_ok(!identity_is_name(bad[i]), "no name");
}

/* What a query string says, to those who ask for both. */
static const struct {
	const char *query, *mac, *uuid, *notes;
} queries[] = {
	{NULL, "", "", ""},
	{"", "", "", ""},
	{"mac=" MAC, MAC, "", ""},
	{"mac=" MAC "&uuid=" UUID, MAC, UUID, ""},
	{"uuid=" UUID "&&mac=" MAC "&", MAC, UUID, ""},
	{"mac=00%3a00%3A5e%3A00:53%3aaF", MAC, "", ""},
	{"%6dac=" MAC, "", "", ""},
	{"MAC=" MAC "&xmac=" MAC "&mac", "", "", ""},
	{"mac=&uuid=", "", "",
		" (mac is empty: ignored) (uuid is empty: "
		"ignored)"},
	{"mac=%30&uuid=x", "", "",
		" (mac is malformed: ignored) (uuid is malformed: ignored)"},
	{"mac=" MAC "&mac=" MAC "&uuid=" UUID "&uuid=", "", "",
		" (mac is given twice: ignored) (uuid is given twice: "
		"ignored)"},
	{"mac=" MAC "&mac=x&mac=" MAC, "", "",
		" (mac is given twice: ignored)"},
	{"mac=" MAC "%00", "", "", " (mac is malformed: ignored)"},
	{"mac=" MAC "%", "", "", " (mac is malformed: ignored)"},
	{"mac=" MAC "%3", "", "", " (mac is malformed: ignored)"},
	{"mac=" MAC "+", "", "", " (mac is malformed: ignored)"},
	{"mac=" MAC ";uuid=" UUID, "", "", " (mac is malformed: ignored)"},
	{"mac=" N16 N16 N16 N16 N16, "", "", " (mac is malformed: ignored)"},
	{"uuid=03000200-0400-0500-0006-000700080009&mac=" MAC, MAC, "",
		" (uuid is shared by many boards: ignored)"},
};

static void test_queries(void)
{
	static const struct identify both = {true, true}, none = {false, false};
	struct identities who;
	char notes[IDENTIFY_NOTES_SIZE];

	for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
		const char *query = queries[i].query;
		identify_read(&both, query, &who, notes);
		tap_ok(strcmp(who.mac, queries[i].mac) == 0 &&
				strcmp(who.uuid, queries[i].uuid) == 0 &&
				strcmp(notes, queries[i].notes) == 0,
			query == NULL ? "no query" : query);
		identify_read(&none, query, &who, notes);
		tap_ok(who.mac[0] == '\0' && who.uuid[0] == '\0' &&
				notes[0] == '\0',
			"nobody asked for it");
	}
}

static void test_settings(void)
{
	static const struct {
		const char *text;
		bool is, by_mac, by_uuid;
	} settings[] = {
		{"mac", true, true, false},
		{"uuid", true, false, true},
		{"mac,uuid", true, true, true},
		{"uuid,mac", true, true, true},
		{"", false, false, false},
		{",", false, false, false},
		{"mac,", false, false, false},
		{",mac", false, false, false},
		{"mac uuid", false, false, false},
		{"macs", false, false, false},
		{"ma", false, false, false},
	};

	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		struct identify got = {false, false};
		tap_ok(identify_parse(settings[i].text, &got) ==
					settings[i].is &&
				got.by_mac == settings[i].by_mac &&
				got.by_uuid == settings[i].by_uuid,
			settings[i].text);
	}
}

static void test_percent(void)
{
	static const struct parsing texts[] = {
		{"", ""},
		{"1234567", "1234567"},
		{"12345678", NULL},
		{"%31%32%33%34%35%36%37", "1234567"},
		{"%31%32%33%34%35%36%37%38", NULL},
		{"a%2Fb%2fc", "a/b/c"},
		{"%2541", "%41"},
		{"%ff+", "\xff+"},
		{"%", NULL},
		{"%4", NULL},
		{"%4g", NULL},
		{"%g4", NULL},
		{"%%41", NULL},
		{"%00", NULL},
		{"%-1", NULL},
	};
	char out[8];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *text = texts[i].text;
		const bool is =
			percent_decode(text, strlen(text), out, sizeof out);
		tap_ok(is == (texts[i].want != NULL) &&
				(!is || strcmp(out, texts[i].want) == 0),
			text);
	}
	tap_ok(percent_decode("a%41", 1, out, sizeof out) &&
			strcmp(out, "a") == 0,
		"only so many bytes are read");
	tap_ok(!percent_decode("%41", 2, out, sizeof out),
		"no digit is read behind the end");
}

int main(void)
{
	test_parsing();
	test_shared();
	test_names();
	test_queries();
	test_settings();
	test_percent();
	return tap_end();
}
