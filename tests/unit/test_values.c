/* SPDX-License-Identifier: MIT */
/* Numbers, settings, meta-variables, escapes, log lines, file systems. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/file_system.h"
#include "boot/number.h"
#include "boot/text.h"
#include "cgi/logline.h"
#include "cgi/metavar.h"
#include "cgi/settings.h"
#include "tap.h"

static const struct {
	const char *text;
	int base;
	unsigned min, max;
	bool is;
	unsigned want;
} numbers[] = {
	{"0", 10, 0, 9, true, 0},
	{"9", 10, 0, 9, true, 9},
	{"007", 10, 0, 9, true, 7},
	{"4294967295", 10, 0, 4294967295u, true, 4294967295u},
	{"0660", 8, 0, 0777, true, 0660},
	{"777", 8, 0, 0777, true, 0777},
	{"10", 10, 0, 9, false, 0},
	{"0", 10, 1, 9, false, 0},
	{"4294967296", 10, 0, 4294967295u, false, 0},
	{"18446744073709551616", 10, 0, 4294967295u, false, 0},
	{"99999999999999999999999", 10, 0, 4294967295u, false, 0},
	{"", 10, 0, 9, false, 0},
	{" 1", 10, 0, 9, false, 0},
	{"1 ", 10, 0, 9, false, 0},
	{"+1", 10, 0, 9, false, 0},
	{"-1", 10, 0, 4294967295u, false, 0},
	{"abc", 10, 0, 9, false, 0},
	{"1a", 10, 0, 99, false, 0},
	{"0x1", 10, 0, 99, false, 0},
	{"8", 8, 0, 9, false, 0},
	{"1.5", 10, 0, 9, false, 0},
};

static void test_numbers(void)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		unsigned value = 77;
		bool is = number_parse(numbers[i].text, numbers[i].base,
			numbers[i].min, numbers[i].max, &value);
		tap_ok(is == numbers[i].is &&
				value == (is ? numbers[i].want : 77),
			numbers[i].text);
	}
}

/* bad is NULL where the value parses. */
static const struct {
	const char *variable, *bad;
} values[] = {
	{"PXESRV_ROOT=/srv/pxesrv", NULL},
	{"PXESRV_ROOT=", NULL},
	{"PXESRV_ROOT=srv", "PXESRV_ROOT"},
	{"PXESRV_LOG=-", NULL},
	{"PXESRV_LOG=/var/log/x", NULL},
	{"PXESRV_LOG=x", "PXESRV_LOG"},
	{"PXESRV_LOG=--", "PXESRV_LOG"},
	{"PXESRV_ALLOW=/a:/b", NULL},
	{"PXESRV_ALLOW=/a::/b:", NULL},
	{"PXESRV_ALLOW=/a:b", "PXESRV_ALLOW"},
	{"PXESRV_ALLOW=a", "PXESRV_ALLOW"},
	{"PXESRV_SEND=inline", NULL},
	{"PXESRV_SEND=x-accel-redirect", NULL},
	{"PXESRV_SEND=x-sendfile", NULL},
	{"PXESRV_SEND=Inline", "PXESRV_SEND"},
	{"PXESRV_SEND=sendfile", "PXESRV_SEND"},
	{"PXESRV_ONCE_GRACE=0", NULL},
	{"PXESRV_ONCE_GRACE=86400", NULL},
	{"PXESRV_ONCE_GRACE=86401", "PXESRV_ONCE_GRACE"},
	{"PXESRV_ONCE_GRACE=-1", "PXESRV_ONCE_GRACE"},
	{"PXESRV_ONCE_GRACE=5s", "PXESRV_ONCE_GRACE"},
};

static void test_settings(void)
{
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		char *env[] = {strdup(values[i].variable), NULL};
		struct metavars vars;
		struct settings settings = settings_default;
		struct bad_setting bad = {NULL, NULL};

		metavars_read(env, &vars);
		bool is = settings_overlay(&vars, &settings, &bad);
		tap_ok(is == (values[i].bad == NULL) &&
				(is || strcmp(bad.name, values[i].bad) == 0),
			values[i].variable);
		free(env[0]);
	}
}

static void test_metavars(void)
{
	char a[] = "REMOTE_ADDR=10.0.0.7", b[] = "REMOTE_ADDR=10.0.0.8",
	     c[] = "REQUEST_URI=", d[] = "PATH_INFO", e[] = "XPATH_INFO=/x",
	     f[] = "REMOTE_ADDRESS=::1", g[] = "REQUEST_METHOD=A=B";
	char *env[] = {f, a, b, c, d, e, g, NULL};
	struct metavars vars;

	metavars_read(env, &vars);
	tap_ok(strcmp(vars.remote_addr, "10.0.0.7") == 0, "the first counts");
	tap_ok(vars.request_uri == NULL, "an empty one is none");
	tap_ok(vars.path_info == NULL, "a name alone, or a longer name");
	tap_ok(strcmp(vars.request_method, "A=B") == 0, "a value with =");
}

static void test_escapes(void)
{
	char out[16];

	tap_ok(escape_line("a b", out, sizeof out) == 3 &&
			strcmp(out, "a b") == 0,
		"plain text stays");
	escape_line("\n\"\\\x7f", out, sizeof out);
	tap_ok(strcmp(out, "\\x0A\\x22\\x5C") == 0, "cut at a whole escape");
	escape_line("\xc3\xa4", out, sizeof out);
	tap_ok(strcmp(out, "\\xC3\\xA4") == 0, "only ASCII goes through");
	tap_ok(escape_line("0123456789abcdefghi", out, sizeof out) == 15,
		"cut to the size");
	tap_ok(escape_path("/a b%\r\n?", out, sizeof out) == 0,
		"a path that does not fit is not cut");
	char wide[64];
	escape_path("/a b%\r\n+~_-.", wide, sizeof wide);
	tap_ok(strcmp(wide, "/a%20b%25%0D%0A%2B~_-.") == 0,
		"a path for a header");
}

static const struct {
	const char *type, *options, *want;
} file_systems[] = {
	{"ext4", " - ext4 /dev/vda rw", "for one boot server"},
	{"nfs4", " - nfs4 server:/ rw,vers=4.2,proto=tcp,local_lock=none",
		"several boot servers can share it"},
	{"nfs4", " - nfs4 server:/ rw,vers=4.0,local_lock=none",
		"not tried with several boot servers"},
	{"nfs4", " - nfs4 server:/ rw,vers=4.2,local_lock=all",
		"for one boot server, since its locks exclude no other machine"},
	{"nfs", " - nfs server:/ rw,vers=3,nolock,addr=10.0.0.1",
		"for one boot server, since its locks exclude no other machine"},
	{"fuse.ceph-fuse", " - fuse.ceph-fuse ceph-fuse rw",
		"several boot servers can share it"},
	{"fuse.glusterfs", " - fuse.glusterfs server:/tree rw",
		"several boot servers can share it only while no brick fails: see docs/howto/several-servers.md"},
	{"fuse.sshfs", " - fuse.sshfs server: rw",
		"not tried with several boot servers"},
};

static void test_file_systems(void)
{
	for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0];
		i++) {
		const char *said = file_system_judge(
			file_systems[i].type, file_systems[i].options);
		tap_ok(strcmp(said, file_systems[i].want) == 0,
			file_systems[i].options);
	}
}

static const struct logline usual_line = {
	.client = "10.0.0.7",
	.method = "GET",
	.uri = "/redirect?\"\n\x1b[31m",
	.protocol = "HTTP/1.1",
	.time = 1795440480,
	.status = 200,
	.bytes = 1497,
	.nanoseconds = 310000,
	.decision = "once centos/7/default",
};

static void test_logline(void)
{
	char text[LOG_LINE_MAX];
	struct logline line = usual_line;

	setenv("TZ", "UTC", 1);
	tzset();
	size_t size = logline_format(&line, text);
	tap_ok(size == strlen(text) &&
			strcmp(text,
				"10.0.0.7 - - [23/Nov/2026:13:28:00 +0000] "
				"\"GET /redirect?\\x22\\x0A\\x1B[31m "
				"HTTP/1.1\" "
				"200 1497 0.0003 once centos/7/default\n") == 0,
		"a line of the log");

	line.nanoseconds = INT64_C(61099949999);
	line.uri = line.decision = NULL;
	logline_format(&line, text);
	tap_ok(strstr(text, " 61.0999 -\n") != NULL, "more than a minute");
	line.nanoseconds += 1;
	logline_format(&line, text);
	tap_ok(strstr(text, " 61.1000 -\n") != NULL, "and rounded up");

	logline_format(&(struct logline){.status = 500}, text);
	tap_ok(strcmp(strchr(text, ']'), "] \"- - -\" 500 0 0.0000 -\n") == 0,
		"what is not known is a dash");
}

static void test_long_logline(void)
{
	char text[LOG_LINE_MAX], uri[5000], decision[5000];
	struct logline line = usual_line;

	memset(uri, '\1', sizeof uri);
	memset(decision, 'd', sizeof decision);
	uri[sizeof uri - 1] = decision[sizeof decision - 1] = '\0';
	line.uri = uri;
	line.decision = decision;
	const size_t size = logline_format(&line, text);
	tap_ok(size == LOG_LINE_MAX - 1 && text[size - 1] == '\n' &&
			strchr(text, '\n') == text + size - 1,
		"a line that is too long is cut, and ends");
}

static void test_text(void)
{
	char out[8];
	struct text text;

	text_begin(&text, out, sizeof out);
	tap_ok(strcmp(out, "") == 0, "a text begins empty");
	text_add(&text, "abc");
	text_add_number(&text, 0, 0);
	text_add_number(&text, 7, 2);
	tap_ok(strcmp(out, "abc007") == 0 && text.length == 6, "pieces");
	text_add_number(&text, 98, 0);
	tap_ok(strcmp(out, "abc0079") == 0 && text.length == 7, "cut off");
	text_add(&text, "x");
	tap_ok(strcmp(out, "abc0079") == 0 && text.length == 7, "full");

	char wide[32];
	text_begin(&text, wide, sizeof wide);
	text_add_number(&text, UINT64_MAX, 0);
	tap_ok(strcmp(wide, "18446744073709551615") == 0, "the largest number");
	text_begin(&text, wide, sizeof wide);
	text_add_number(&text, 5, 99);
	tap_ok(strcmp(wide, "00000000000000000005") == 0, "20 digits at most");
}

int main(void)
{
	test_numbers();
	test_settings();
	test_metavars();
	test_escapes();
	test_logline();
	test_file_systems();
	test_long_logline();
	test_text();
	return tap_end();
}
