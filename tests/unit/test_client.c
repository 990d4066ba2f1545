/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "boot/client.h"
#include "tap.h"

/* want is NULL where the text is no address. */
static const struct {
	const char *address, *want, *hex;
} cases[] = {
	{"10.0.0.7", "10.0.0.7", "0A000007"},
	{"255.255.255.255", "255.255.255.255", "FFFFFFFF"},
	{"0.0.0.0", "0.0.0.0", "00000000"},
	{"::ffff:10.0.0.7", "10.0.0.7", "0A000007"},
	{"::FFFF:0a00:7", "10.0.0.7", "0A000007"},
	{"0:0:0:0:0:ffff:10.0.0.7", "10.0.0.7", "0A000007"},
	{"2001:db8::7", "2001:db8::7", ""},
	{"2001:DB8:0:0::7", "2001:db8::7", ""},
	{"2001:0db8:0000:0000:0000:0000:0000:0007", "2001:db8::7", ""},
	{"::", "::", ""},
	{"::1", "::1", ""},
	{"::10.0.0.7", "::10.0.0.7", ""},
	{"fe80::1%eth0", "fe80::1", ""},
	{"fe80::1%25eth0", "fe80::1", ""},
	{"::ffff:10.0.0.7%lo", "10.0.0.7", "0A000007"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
	{"", NULL, NULL},
	{" 10.0.0.7", NULL, NULL},
	{"10.0.0.7 ", NULL, NULL},
	{"10.0.0.7%eth0", NULL, NULL},
	{"10.0.0", NULL, NULL},
	{"10.0.0.256", NULL, NULL},
	{"010.0.0.7", NULL, NULL},
	{"0x0a.0.0.7", NULL, NULL},
	{"10.0.0.7/32", NULL, NULL},
	{"10.0.0.7:80", NULL, NULL},
	{"[::1]", NULL, NULL},
	{"::1::", NULL, NULL},
	{"1:2:3:4:5:6:7", NULL, NULL},
	{"1:2:3:4:5:6:7:8:9", NULL, NULL},
	{"12345::", NULL, NULL},
	{"%eth0", NULL, NULL},
	{"unix:", NULL, NULL},
	{"../../etc/passwd", NULL, NULL},
	{"localhost", NULL, NULL},
	{"0000000000000000000000000000000000000000000000000000000000::1", NULL,
		NULL},
};

int main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct client client = {.key = "untouched"};
		bool is = client_parse(cases[i].address, &client);

		if (cases[i].want == NULL)
			tap_ok(!is && strcmp(client.key, "untouched") == 0,
				cases[i].address);
		else
			tap_ok(is && strcmp(client.key, cases[i].want) == 0 &&
					strcmp(client.hex, cases[i].hex) == 0,
				cases[i].address);
	}
	return tap_end();
}
