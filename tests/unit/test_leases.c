/* SPDX-License-Identifier: MIT */
/* The files of DHCP servers: what is read from them, and from damaged ones. */
#include "ctl/leases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "scratch.h"
#include "tap.h"

#define FOUND_SIZE 1024

/*
 * Writes a lease as "10.0.0.7=0b": held by that machine; ~: not held now; +:
 * reserved; #: with other cards. The host's name follows: "10.0.0.7@node7".
 */
static void note_lease(const struct lease *lease, void *context)
{
	char *found = context;
	const size_t length = strlen(found);
	struct client client;
	char record[16] = "";

	address_client(&lease->address, &client);
	if (lease->record != 0)
		snprintf(record, sizeof record, "#%u", lease->record);
	snprintf(found + length, FOUND_SIZE - length, "%s%s%s=%02x%s ",
		lease->is_reserved ? "+" : "", lease->holds ? "" : "~",
		client.key, lease->mac.bytes[5], record);
	if (lease->name != NULL)
		snprintf(found + strlen(found), FOUND_SIZE - strlen(found),
			"%s@%s ", client.key, lease->name);
}

/* Writes the name of a reservation as "node7:0b", or "node7:10.0.0.7". */
static void note_host(const struct lease_host *host, void *context)
{
	static const struct mac nobody;
	char *found = context, record[16] = "", card[8];
	const size_t length = strlen(found);
	struct client client;

	address_client(&host->address, &client);
	snprintf(card, sizeof card, "%02x", host->mac.bytes[5]);
	if (host->record != 0)
		snprintf(record, sizeof record, "#%u", host->record);
	snprintf(found + length, FOUND_SIZE - length, "%s:%s%s ", host->name,
		mac_equal(&host->mac, &nobody) ? client.key : card, record);
}

static bool note_name(const char *name, int family, void *context)
{
	char *found = context;
	const size_t length = strlen(found);

	snprintf(found + length, FOUND_SIZE - length, "%s/%d ", name,
		family == AF_INET ? 4 : 6);
	return strcmp(name, "nowhere") != 0;
}

static int read_as(const char *path, enum leases_format format,
	char out[static FOUND_SIZE])
{
	static const struct mac mac = {{0x00, 0x00, 0x5e, 0x00, 0x53, 0x0b}};
	struct lease_sink sink = {.found = note_lease,
		.named = note_host,
		.resolve = note_name,
		.context = out,
		.mac = &mac};

	out[0] = '\0';
	return leases_read(path, format, &sink);
}

static void write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(text, 1, length, file) != length ||
		fclose(file) != 0)
		stop(path);
}

#define ACTIVE                                             \
	"  starts 4 2026/11/26 19:56:59;\n  ends never;\n" \
	"  binding state active;\n  hardware ethernet 00:00:5e:00:53:0b;\n"
#define LEASE "lease 10.0.0.7 {\n" ACTIVE "}\n"

#define DHCPD_CONF                                                      \
	"# host a { fixed-address 10.0.0.1; }\nauthoritative;\n"        \
	"option domain-name \"host b { fixed-address 10.0.0.1; }\";\n"  \
	"shared-network x {\n  subnet 10.0.0.0 netmask 255.255.255.0 {" \
	"\n    range 10.0.0.100 10.0.0.200;\n    group {\n"             \
	"      host node7 {\n        hardware ethernet "                \
	"0:0:5e:0:53:b;\n        if exists x { set y = \"z\"; }\n"      \
	"        fixed-address 10.0.0.7,10.0.0.8;\n"                    \
	"        fixed-address6 2001:db8::7;\n      }\n"                \
	"      host other { hardware token-ring 00:00:5e:00:53:0d; "    \
	"fixed-address 10.0.0.1; }\n"                                   \
	"      host none { hardware ethernet 00:00:5e:00:53:0d; }\n"    \
	"    }\n  }\n}\nhost node9 { hardware ethernet "                \
	"00:00:5E:00:53:0C; fixed-address 10.0.0.9; }\n"
#define DNSMASQ_CONF                                                   \
	"# dhcp-host=00:00:5e:00:53:0b,10.0.0.1\ndomain-needed\n"      \
	"dhcp-range=10.0.0.100,10.0.0.200,12h\n"                       \
	"dhcp-host=00:00:5e:00:53:0b,10.0.0.7\n"                       \
	"dhcp-host = 00:00:5e:00:53:0c, id:01:02, set:red, tag:blue, " \
	"10.0.0.8, [2001:db8::8], node8, 45m # x\n"                    \
	"dhcp-host=00:00:5e:00:53:0d,00:00:5e:00:53:0e,10.0.0.9\n"     \
	"dhcp-host=01-00:00:5e:00:53:0f,\"10.0.0.10\",infinite\n"      \
	"dhcp-host=06-00:00:5e:00:53:10,10.0.0.1\n"                    \
	"dhcp-host=00:00:5e:00:53:*,10.0.0.1\n"                        \
	"dhcp-host=00:00:5e:00:53:11,10.0.0.1,ignore\n"                \
	"dhcp-host=00:00:5e:00:53:12,node12\n"                         \
	"dhcp-host=00:00:5e:00:53:12,[::12],[2001:db8::/126]\n"        \
	"dhcp-host=node7,10.0.0.1\ndhcp-host=\ndhcp-hostsfile=\n"      \
	"dhcp-host=00:00:5e:00:53:13,10.0.0.13,0.0.0.0\n"
#define ETHERS                                          \
	"# a comment\n0:0:5e:0:53:b 10.0.0.7 # node7\n" \
	"00:00:5e:00:53:0b\tnode7\n00:00:5e:00:53:0c "  \
	"node8\n00:00:5e:00:53:0d\t10.0.0.9\n01:00:"    \
	"5e:00:53:0d 10.0.0.1\na b\n00:00:5e:00:53:0c " \
	"10.0.0.1 more\n"
#define KEA4                                                        \
	"address,hwaddr,client_id,valid_lifetime,expire,subnet_id," \
	"fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n"
#define KEA4_ROWS                                                         \
	"10.0.0.7,00:00:5e:00:53:0b,01:00,4000,9999999999,1,0,0,n,0,,0\n" \
	"10.0.0.8,00:00:5e:00:53:0c,,4000,1000000000,1,0,0,n,0,,0\n"      \
	"10.0.0.9,,,4000,9999999999,1,0,0,,1,,0\n"                        \
	"10.0.0.10,00:00:5e:00:53:0d,,4000,9999999999,1,0,0,n,2,,0\n"     \
	"10.0.0.10,00:00:5e:00:53:0d,,0,9999999999,1,0,0,n,0,,0\n"        \
	"10.0.0.11,00:00:5e:00:53:0e,,4294967295,4294967299,1,0,0,n,0,"   \
	"{ \"a\": \"b\" },0\n"                                            \
	"10.0.0.256,00:00:5e:00:53:0e,,4000,9999999999,1,0,0,n,0,,0\n"
#define KEA6                                                              \
	"address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,"     \
	"lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,"   \
	"state,user_context,hwtype,hwaddr_source,pool_id\n"               \
	"2001:db8::7,00:01,4000,9999999999,1,3000,0,7,128,0,0,,"          \
	"00:00:5e:00:53:0b,0,,1,2,0\n"                                    \
	"2001:db8::8,00:02,4000,9999999999,1,3000,0,7,128,0,0,,,0,,,,0\n" \
	"2001:db8::9,00:03,4000,9999999999,1,3000,0,7,128,0,0,,"          \
	"00:00:5e:00:53:0c,3,,1,2,0\n"                                    \
	"2001:db8:1::,00:01,4000,9999999999,1,3000,2,7,48,0,0,,"          \
	"00:00:5e:00:53:0b,0,,1,2,0\n"
#define KEA_CONF                                                             \
	"# shell\n{ // C++\n\"Dhcp4\": { /* C\n\"*/\n"                       \
	"  \"x\": \"// # /* \\\" <?include \\\"/nowhere\\\"?>\",\n"          \
	"  \"reservations\": [ { \"hw-address\": \"00:00:5e:00:53:0b\",\n"   \
	"    \"ip-address\": \"10.0.0.7\", }, { \"duid\": \"01:02\" }, 7,\n" \
	"    { \"hw-address\": \"00:00:5e:00:53:0e\", \"ip-address\": "      \
	"\"0.0.0.0\" } ],\n"                                                 \
	"  \"subnet4\": [ { \"subnet\": \"10.0.0.0/24\", "                   \
	"\"reservations\": [ { \"hw-address\": \"00005E00530C\", "           \
	"\"ip-address\": \"10.0.0.8\" } ] } ],\n"                            \
	"  \"shared-networks\": [ { \"subnet4\": [ { \"reservations\": "     \
	"[ { \"hw-address\": \"0:0:5e:0:53:d\", \"ip-address\": "            \
	"\"10.0.0.9\" },\n # x\n ] } ] } ] },\n"                             \
	"\"Dhcp6\": { \"subnet6\": [ { \"reservations\": [ { "               \
	"\"hw-address\": \"00:00:5e:00:53:0b\", \"ip-addresses\": [ "        \
	"\"2001:db8::7\", \"2001:db8::8\" ], \"prefixes\": [ "               \
	"\"2001:db8:2::/48\" ] } ] } ] } }\n"
#define NETWORKD_LEASE(id, address, mac, time)                         \
	"{\"ClientId\":[" id "],\"Address\":[10,0,0," address "]," mac \
	"\"ExpirationUSec\":99,\"ExpirationRealtimeUSec\":" time "}"
#define NETWORKD                                                               \
	"{\"BootID\":\"0123456789abcdef0123456789abcdef\",\"Address\":["       \
	"10,0,0,1],\"PrefixLength\":24,\"Leases\":[" NETWORKD_LEASE("255,1,2", \
		"7",                                                           \
		"\"Hostname\":\"node7\",\"HardwareAddressType\":1,"            \
		"\"HardwareAddressLength\":6,\"HardwareAddress\":[0,0,94,"     \
		"0,83,11,0,0,0,0,0,0,0,0,0,0],",                               \
		"9999999999000000") "," NETWORKD_LEASE("1,0,0,94,0,83,12",     \
		"8", "",                                                       \
		"1000000000000000") "," NETWORKD_LEASE("1,0,0,94,0,83,13",     \
		"9", "", "18446744073709551615") "," NETWORKD_LEASE("255,0,0", \
		"10", "", "9999999999000000") "]}\n"
#define NETWORK                                                             \
	"# a comment\n[Match]\nName=eth0\n[Network]\nAddress=10.0.0.1/24\n" \
	"DHCPServer=yes\n[DHCPServerStaticLease]\n"                         \
	"MACAddress=00:00:5e:00:53:0b\nAddress=10.0.0.7\n"                  \
	"[DHCPServerStaticLease]\n; Address=10.0.0.1\n"                     \
	"Address = 10.0.0.8\nMACAddress = 0000.5e00.530c\n"                 \
	"[DHCPServerStaticLease]\nMACAddress=00:00:5e:00:53:0d\nAddress="   \
	"\n[DHCPServerStaticLease]\nMACAddress=00:00:5e:00:53:0e\n"

static const struct {
	const char *what, *text;
	int err;
	const char *found;
} files[] = {
	{"dnsmasq",
		"9999999999 00:00:5e:00:53:0b 10.0.0.7 node7 *\n"
		"1000000000 00:00:5e:00:53:0c 10.0.0.8 * *\n"
		"0 00:00:5e:00:53:0d 10.0.0.9 * *\n",
		0, "10.0.0.7=0b 10.0.0.7@node7 ~10.0.0.8=0c 10.0.0.9=0d "},
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
	{"dhcpd, a record that another one follows without a newline",
		"lease 10.0.0.6 {\n  binding state actilease 10.0.0.7 {\n" ACTIVE
		"}\n",
		0, "10.0.0.7=0b "},
	{"dhcpd, starts and ends in seconds",
		"lease 10.0.0.7 {\n  starts epoch 1000000000; # 2001\n"
		"  ends epoch 9999999999;\n  binding state active;\n}\n",
		0, "10.0.0.7=00 "},
	{"dhcpd, a host by OMAPI",
		LEASE "host \"node 7\" {\n  dynamic;\n"
		      "  hardware ethernet 00:00:5e:00:53:0c;\n"
		      "  fixed-address 10.0.0.8;\n}\n" LEASE,
		0, "10.0.0.7=0b 10.0.0.7=0b node 7:0c +10.0.0.8=0c "},
	{"dhcpd, a host that was declared again, and one that was deleted",
		"lease 10.0.0.7 {\n" ACTIVE "}\n"
		"host a {\n  dynamic;\n  hardware ethernet "
		"00:00:5e:00:53:0c;\n  fixed-address 10.0.0.8;\n}\n"
		"host b {\n  dynamic;\n  hardware ethernet "
		"00:00:5e:00:53:0d;\n  fixed-address 10.0.0.9;\n}\n"
		"host a {\n  dynamic;\n  hardware ethernet "
		"00:00:5e:00:53:0c;\n  fixed-address 10.0.0.10;\n}\n"
		"host b {\n  dynamic;\n  deleted;\n}\n",
		0, "10.0.0.7=0b a:0c +10.0.0.10=0c "},
	{"dhcpd, a host that is cut off",
		LEASE "host a {\n  hardware ethernet 00:00:5e:00:53:0c;\n"
		      "  fixed-address 10.0.0.8;\n",
		0, "10.0.0.7=0b "},
	{"dhcpd.conf", DHCPD_CONF, 0,
		"node7:0b +10.0.0.7=0b +10.0.0.8=0b +2001:db8::7=0b other:10.0.0.1#2 none:0d node9:0c +10.0.0.9=0c "},
	{"dhcpd.conf, hosts alone",
		"host a { hardware ethernet 0:0:5e:0:53:b; fixed-address "
		"10.0.0.7; }\n",
		0, "a:0b +10.0.0.7=0b "},
	{"dhcpd.conf, a name of this machine and of another one",
		"host a { hardware ethernet 00:00:5e:00:53:0b; fixed-address "
		"node7.example.org; }\n"
		"host b { hardware ethernet 00:00:5e:00:53:0c; fixed-address "
		"node8; }\n",
		0, "a:0b node7.example.org/4 b:0c "},
	{"dhcpd.conf, a name without an address",
		"host a { hardware ethernet 00:00:5e:00:53:0b; fixed-address "
		"nowhere; }\n",
		-ECANCELED, NULL},
	{"dhcpd.conf, one brace too many",
		"subnet 10.0.0.0 netmask 255.255.255.0 { }\n}\n", -EBADMSG,
		NULL},
	{"dhcpd.conf, a file that is not there",
		"option x 1;\ninclude \"/nowhere/hosts\";\n", -ENOENT, NULL},
	{"dhcpd.conf, a path that is no string",
		"option x 1;\ninclude hosts;\n", -EBADMSG, NULL},
	{"dhcpd.conf, a string of two lines",
		"option x \"1;\n}\";\nhost a { hardware ethernet "
		"00:00:5e:00:53:0b; fixed-address 10.0.0.7; }\n",
		0, "a:0b +10.0.0.7=0b "},
	{"dhcpd.conf, a string without an end",
		"option x \"1;\nhost a { hardware ethernet "
		"00:00:5e:00:53:0b; fixed-address 10.0.0.7; }\n",
		0, ""},
	{"dhcpd.conf, a control character", "option x 1;\n\x01\n", -EBADMSG,
		NULL},
	{"dnsmasq.conf", DNSMASQ_CONF, 0,
		"+10.0.0.7=0b node8:0c +10.0.0.8=0c +2001:db8::8=0c "
		"+10.0.0.9=0d#1 +10.0.0.9=0e#1 +10.0.0.10=0f node12:12 "
		"node7:10.0.0.1#4 +10.0.0.13=13 "},
	{"dnsmasq.conf, options without a value first",
		"bogus-priv\nno-resolv\ndhcp-host=00:00:5e:00:53:0b,10.0.0.7\n",
		0, "+10.0.0.7=0b "},
	{"dnsmasq.conf, a file that is not there", "conf-file=/nowhere/x\n",
		-ENOENT, NULL},
	{"dnsmasq.conf, files that need not be there",
		"conf-dir=/nowhere,*.conf\ndhcp-hostsfile=/nowhere/x\n"
		"dhcp-host=00:00:5e:00:53:0b,10.0.0.7\n",
		0, "+10.0.0.7=0b "},
	{"dnsmasq.conf, cut off",
		"dhcp-host=00:00:5e:00:53:0b,10.0.0.17\n"
		"dhcp-host=00:00:5e:00:53:0b,10.0.0.1",
		0, "+10.0.0.17=0b "},
	{"dhcp-hostsfile", "# a comment\n00:00:5e:00:53:0b,10.0.0.7,node7\n", 0,
		"node7:0b +10.0.0.7=0b "},
	{"ethers", ETHERS, 0,
		"+10.0.0.7=0b node7:0b node7/4 node8:0c +10.0.0.9=0d "},
	{"ethers, cut off",
		"00:00:5e:00:53:0b 10.0.0.17\n00:00:5e:00:53:0b 10.0.0.1", 0,
		"+10.0.0.17=0b "},
	{"Kea", KEA4 KEA4_ROWS, 0,
		"10.0.0.7=0b 10.0.0.7@n ~10.0.0.8=0c 10.0.0.8@n ~10.0.0.9=00 "
		"~10.0.0.10=0d 10.0.0.10@n ~10.0.0.10=0d 10.0.0.10@n "
		"10.0.0.11=0e 10.0.0.11@n "},
	{"Kea, nothing but its first line", KEA4, 0, ""},
	{"Kea, of an old release",
		"address,hwaddr,client_id,valid_lifetime,expire,subnet_id,"
		"fqdn_fwd,fqdn_rev,hostname\n"
		"10.0.0.7,00:00:5e:00:53:0b,,4000,9999999999,1,0,0,\n",
		0, "10.0.0.7=0b "},
	{"Kea, IPv6", KEA6, 0,
		"2001:db8::7=0b 2001:db8::8=00 ~2001:db8::9=0c "},
	{"Kea, cut off",
		KEA4
		"10.0.0.17,00:00:5e:00:53:0b,,4000,9999999999,1,0,0,n,0,,0"
		"\n10.0.0.18,00:00:5e:00:53:0b,,4000,9999999999,1,0,0,n,0,,",
		0, "10.0.0.17=0b 10.0.0.17@n "},
	{"Kea, cut off, and more behind it",
		KEA4 "10.0.0.17,00:00:5e:00:53:0b,,4000,9910.0.0.18,"
		     "00:00:5e:00:53:0b,,4000,9999999999,1,0,0,n,0,,0\n",
		0, ""},
	{"Kea, without the columns", "address,hwaddr,client_id\n", -EBADMSG,
		NULL},
	{"Kea, binary", KEA4 "10.0.0.7,\x01\n", -EBADMSG, NULL},
	{"Kea's configuration", KEA_CONF, 0,
		"+10.0.0.7=0b +10.0.0.8=0c +10.0.0.9=0d +2001:db8::7=0b "
		"+2001:db8::8=0b "},
	{"Kea's configuration, a comment without an end",
		"{ \"Dhcp4\": { /* } }", -EBADMSG, NULL},
	{"Kea's configuration, two commas",
		"{ \"Dhcp4\": { \"reservations\": [,,] } }", -EBADMSG, NULL},
	{"Kea's configuration, not UTF-8",
		"{ \"Dhcp4\": { \"x\": \"\xff\", \"reservations\": "
		"[ { \"hw-address\": \"00 00 5e 00 53 0b\", \"ip-address\": "
		"\"10.0.0.7\" } ] } } // \xff\n",
		0, "+10.0.0.7=0b "},
	{"Kea's configuration, a file that is not there",
		"{ \"Dhcp4\": { <?include \"/nowhere/x\"?> } }", -ENOENT, NULL},
	{"Kea's configuration, an include that is none",
		"{ \"Dhcp4\": { <?include /nowhere/x?> } }", -EBADMSG, NULL},
	{"Kea's control agent", "{ \"Control-agent\": {} }", -EBADMSG, NULL},
	{"networkd", NETWORKD, 0,
		"10.0.0.7=0b 10.0.0.7@node7 ~10.0.0.8=0c 10.0.0.9=0d 10.0.0.10=00 "},
	{"networkd, not saved", "{\"BootID\":\"x\",\"Leases\":[{}]}", -EBADMSG,
		NULL},
	{"networkd, without leases", "{\"BootID\":\"x\"}", -EBADMSG, NULL},
	{"libvirt", "[ { \"ip-address\": \"10.0.0.7\" } ]", -EBADMSG, NULL},
	{"network", NETWORK, 0, "+10.0.0.7=0b +10.0.0.8=0c "},
	{"network, cut off",
		"[DHCPServerStaticLease]\nMACAddress=00:00:5e:00:53:0b\n"
		"Address=10.0.0.1",
		0, ""},
	{"network, a value that is too long",
		"[DHCPServerStaticLease]\nMACAddress=00:00:5e:00:53:0b\n"
		"Address=10.0.0.7                                      "
		"                                                       8\n",
		0, ""},
	{"another file with sections", "[global]\nworkgroup = x\n", -EBADMSG,
		NULL},
	{"a word", "nothing\n", -EBADMSG, NULL},
	{"dnsmasq, a name that may be cut off",
		"0 00:00:5e:00:53:0b 10.0.0.7 nod", 0, "10.0.0.7=0b "},
	{"dhcpd, names of clients",
		"lease 10.0.0.7 {\n" ACTIVE "  client-hostname \"node7\";\n}\n"
		"lease 10.0.0.8 {\n" ACTIVE "  client-hostname node8;\n}\n"
		"lease 10.0.0.7 {\n" ACTIVE "}\n",
		0, "10.0.0.7=0b 10.0.0.7@node7 10.0.0.8=0b 10.0.0.7=0b "},
	{"dhcpd, a host of Foreman's",
		LEASE "host node7.example.org {\n  dynamic;\n"
		      "  hardware ethernet 00:00:5e:00:53:0b;\n"
		      "  fixed-address 10.0.0.8;\n"
		      "        supersede host-name = \"node7\";\n}\n",
		0, "10.0.0.7=0b node7.example.org:0b node7:0b +10.0.0.8=0b "},
	{"dhcpd.conf, names in options and of unknown cards",
		"host \"a\" { hardware ethernet 00:00:5e:00:53:0b; option "
		"host-name \"node7\"; }\n"
		"host b { option dhcp-client-identifier \"x\"; option "
		"host-name \"node8\"; fixed-address 10.0.0.8, "
		"node8.example.org; fixed-address6 2001:db8::8; }\n",
		0,
		"a:0b node7:0b b:10.0.0.8#2 b:2001:db8::8#2 node8:10.0.0.8#2 "
		"node8:2001:db8::8#2 "},
	{"dnsmasq.conf, names and what is none",
		"dhcp-host=00:00:5e:00:53:0b,3600,45M,7d,infinite\n"
		"dhcp-host=00:00:5e:00:53:0b,12hosts,7dd,m\n"
		"dhcp-host=00:00:5e:00:53:0c,node8.example.org,ignore\n"
		"dhcp-host=00:00:5e:00:53:0d,00:00:5e:00:53:0e,node9\n"
		"dhcp-host=id:*,node10,10.0.0.10,[2001:db8::10]\n"
		"dhcp-host=id:*,node11,0.0.0.0\ndhcp-host=node12,set:red\n",
		0,
		"m:0b node9:0d#1 node9:0e#1 node10:10.0.0.10#2 "
		"node10:2001:db8::10#2 "},
	{"Kea, a name of more than 63 characters",
		KEA4 "10.0.0.7,00:00:5e:00:53:0b,,4000,9999999999,1,0,0,"
		     "node7.a2345678901234567890.b2345678901234567890."
		     "c2345678901234567890.,0,,0\n",
		0,
		"10.0.0.7=0b 10.0.0.7@node7.a2345678901234567890."
		"b2345678901234567890.c2345678901234567890. "},
	{"Kea's configuration, names",
		"{ \"Dhcp4\": { \"reservations\": [ { \"hw-address\": "
		"\"00:00:5e:00:53:0b\", \"hostname\": \"node7\" }, { "
		"\"client-id\": \"01\", \"hostname\": \"node8\", "
		"\"ip-address\": \"10.0.0.8\" }, { \"duid\": \"01\", "
		"\"hostname\": \"\", \"ip-address\": \"10.0.0.9\" } ] }, "
		"\"Dhcp6\": { \"reservations\": [ { \"duid\": \"01:02\", "
		"\"hostname\": \"node7\", \"ip-addresses\": [ "
		"\"2001:db8::7\", \"2001:db8::8\" ] }, { \"duid\": "
		"\"03\", \"hostname\": 7 } ] } }\n",
		0,
		"node7:0b node8:10.0.0.8#1 node7:2001:db8::7#3 "
		"node7:2001:db8::8#3 "},
};

static void test_files(void)
{
	char found[FOUND_SIZE];

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		write_file("leases", files[i].text, strlen(files[i].text));
		const int err = read_as("leases", LEASES_ANY, found);
		if (!tap_ok(err == files[i].err &&
				    (err < 0 ||
					    strcmp(found, files[i].found) == 0),
			    files[i].what))
			printf("# %d, found: %s\n", err, found);
	}
	tap_ok(read_as("missing", LEASES_ANY, found) == -ENOENT, "missing");
	tap_ok(read_as(".", LEASES_ANY, found) == -EISDIR, "a directory");
	tap_ok(mkfifo("fifo", 0600) == 0 &&
			read_as("fifo", LEASES_ANY, found) == -ESPIPE,
		"a FIFO");
}

/* A file in memory, which is written fast. */
static char memory_path[64];

static FILE *open_memory(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("leases", MFD_CLOEXEC);
	snprintf(memory_path, sizeof memory_path, "/proc/self/fd/%d", fd);
	FILE *file = fopen(memory_path, "w");
	if (file == NULL)
		stop(memory_path);
	return file;
}

static void write_memory(const char *text, size_t length)
{
	FILE *file = open_memory();

	if (fwrite(text, 1, length, file) != length || fclose(file) != 0)
		stop(memory_path);
}

/* Whether each word of one text is a word of another one. */
static bool has_all(const char *text, const char *words)
{
	char word[FOUND_SIZE], list[FOUND_SIZE + 1];

	snprintf(list, sizeof list, " %s", text);
	for (const char *at = words; *at != '\0';) {
		const char *end = strchr(at, ' ');
		snprintf(word, sizeof word, " %.*s ", (int)(end - at), at);
		if (strstr(list, word) == NULL)
			return false;
		at = end + 1;
	}
	return true;
}

static const struct {
	const char *what, *text;
	enum leases_format format;
} samples[] = {
	{"dnsmasq",
		"9999999999 00:00:5e:00:53:0b 10.0.0.17 node7 01:02\n"
		"9999999999 00:00:5e:00:53:0c 10.0.0.18 * *\n",
		LEASES_DNSMASQ},
	{"dnsmasq.conf", DNSMASQ_CONF, LEASES_DNSMASQ_CONF},
	{"dhcp-hostsfile",
		"00:00:5e:00:53:0b,10.0.0.17,node7\n00:00:5e:00:53:0b,"
		"10.0.0.18\n",
		LEASES_DNSMASQ_HOSTS},
	{"dhcpd",
		LEASE "host a {\n  hardware ethernet 00:00:5e:00:53:0c;\n"
		      "  fixed-address 10.0.0.18;\n}\n" LEASE,
		LEASES_DHCPD},
	{"dhcpd.conf", DHCPD_CONF, LEASES_DHCPD_CONF},
	{"Kea", KEA4 KEA4_ROWS, LEASES_KEA},
	{"Kea, IPv6", KEA6, LEASES_KEA},
	{"Kea's configuration", KEA_CONF, LEASES_JSON},
	{"networkd", NETWORKD, LEASES_JSON},
	{"network", NETWORK, LEASES_NETWORK},
	{"ethers", ETHERS, LEASES_ETHERS},
};

/* A part of a file has nothing that the whole file does not have. */
static void test_cuts(const char *what, const char *text,
	enum leases_format format, const char *whole)
{
	char found[FOUND_SIZE];
	bool good = true;

	for (size_t length = 0; good && length < strlen(text); length++) {
		write_memory(text, length);
		for (int i = 0; good && i < 2; i++) {
			const int err = read_as(memory_path,
				i == 0 ? LEASES_ANY : format, found);
			good = err <= 0 && (err < 0 || has_all(whole, found));
			if (!good)
				printf("# %s, cut at %zu: %d, %s\n", what,
					length, err, found);
		}
	}
	tap_ok(good, what);
}

/* With the line ends of DOS. */
static void test_crlf(const char *what, const char *text, const char *whole)
{
	char found[FOUND_SIZE];
	FILE *file = open_memory();

	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\n')
			fputc('\r', file);
		fputc(*at, file);
	}
	if (fclose(file) != 0)
		stop(memory_path);
	const int err = read_as(memory_path, LEASES_ANY, found);
	if (!tap_ok(err == 0 && strcmp(found, whole) == 0, what))
		printf("# CRLF: %d, %s\n", err, found);
}

/* One byte of it is damaged: anything is found, or an error, but no crash. */
static void test_damage(
	const char *what, const char *text, enum leases_format format)
{
	static const char damage[] = {'\0', '\xff', '\n', '"', '{', '}', ','};
	char copy[8192], found[FOUND_SIZE];
	const size_t length = strlen(text);
	bool good = length < sizeof copy;

	for (size_t at = 0; good && at < length; at++) {
		memcpy(copy, text, length);
		copy[at] = damage[at % sizeof damage];
		write_memory(copy, length);
		good = read_as(memory_path, format, found) <= 0 &&
		       read_as(memory_path, LEASES_ANY, found) <= 0;
	}
	tap_ok(good, what);
}

#define MEGABYTE (1 << 20)

/* A record of 1 MB, in front and behind, with and without its end. */
static void test_long_record(const char *what, const char *text,
	enum leases_format format, const char *whole)
{
	static char record[MEGABYTE];
	static const char *const begins[] = {"", "# ", "10.0.0.7,", "host ",
		"dhcp-host=", "00:00:5e:00:53:0b ", "\"",
		"Address=", "lease 10.0.0.7 {\n  uid \""};
	char found[FOUND_SIZE];
	bool good = true;

	memset(record, '1', sizeof record);
	for (size_t i = 0; good && i < 2 * sizeof begins / sizeof begins[0];
		i++) {
		const bool is_behind = i % 2 == 1;
		FILE *file = open_memory();
		fprintf(file, "%s%s", is_behind ? text : "", begins[i / 2]);
		fwrite(record, 1, sizeof record, file);
		fprintf(file, "\n%s", is_behind ? "" : text);
		if (fclose(file) != 0)
			stop(memory_path);
		const int err = read_as(memory_path, format, found);
		good = err <= 0 && (err < 0 || has_all(whole, found));
		if (!good)
			printf("# %s%s: %d, %s\n", is_behind ? "behind " : "",
				begins[i / 2], err, found);
	}
	tap_ok(good, what);
}

static void test_samples(void)
{
	char whole[FOUND_SIZE];

	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		const char *text = samples[i].text, *what = samples[i].what;
		const enum leases_format format = samples[i].format;
		write_file("leases", text, strlen(text));
		tap_ok(read_as("leases", format, whole) == 0 &&
				whole[0] != '\0',
			what);
		test_cuts(what, text, format, whole);
		test_crlf(what, text, whole);
		test_damage(what, text, format);
		test_long_record(what, text, format, whole);
	}
}

/* Files that name others. */
static const struct {
	const char *what, *text, *other;
	int err;
	const char *found;
} follows[] = {
	{"dhcpd.conf",
		"subnet 10.0.0.0 netmask 255.255.255.0 {\n  include \"%s\";\n}",
		"host a { hardware ethernet 00:00:5e:00:53:0b; fixed-address "
		"10.0.0.7; }",
		0, "a:0b +10.0.0.7=0b "},
	{"dhcpd.conf, in a circle", "option x 1;\ninclude \"%s\";\n",
		"include \"%s\";\n", -ELOOP, NULL},
	{"dnsmasq, conf-file", "conf-file=%s\n",
		"dhcp-host=00:00:5e:00:53:0b,10.0.0.7\n", 0, "+10.0.0.7=0b "},
	{"dnsmasq, conf-dir", "conf-dir=%s.d,.no\n",
		"dhcp-host=00:00:5e:00:53:0b,10.0.0.7\n", 0,
		"+10.0.0.7=0b +10.0.0.7=0b "},
	{"dnsmasq, conf-dir with endings", "conf-dir=%s.d/,*.yes,*\n",
		"dhcp-host=00:00:5e:00:53:0b,10.0.0.7\n", 0, "+10.0.0.7=0b "},
	{"dnsmasq, dhcp-hostsfile", "dhcp-hostsfile=%s\n",
		"00:00:5e:00:53:0b,10.0.0.7\n", 0, "+10.0.0.7=0b "},
	{"dnsmasq, a directory of hosts", "dhcp-hostsdir=%s.d\n",
		"00:00:5e:00:53:0b,10.0.0.7\n", 0,
		"+10.0.0.7=0b +10.0.0.7=0b +10.0.0.7=0b "},
	{"dnsmasq, in a circle", "conf-file=%s\n", "conf-file=%s\n", -ELOOP,
		NULL},
	{"dnsmasq, in a circle by a directory", "conf-dir=%s.d\n",
		"conf-dir=%s.d\n", -ELOOP, NULL},
	{"Kea's configuration", "{ \"Dhcp4\": { <?include \"%s\"?> } }\n",
		"\"reservations\": [ { \"hw-address\": \"00:00:5e:00:53:0b\", "
		"\"ip-address\": \"10.0.0.7\" } ] // no end of line",
		0, "+10.0.0.7=0b "},
	{"Kea's configuration, in a circle",
		"{ \"Dhcp4\": { <?include \"%s\"?> } }\n",
		"<? include \"%s\" ?>\n", -ELOOP, NULL},
	{"Kea's configuration, a directory",
		"{ \"Dhcp4\": { <?include \"%s.d\"?> } }\n", "", -EISDIR, NULL},
};

static void write_with_path(
	const char *path, const char *text, const char *named)
{
	const char *mark = strstr(text, "%s");
	FILE *file = fopen(path, "w");

	if (file == NULL)
		stop(path);
	if (mark == NULL)
		fputs(text, file);
	else
		fprintf(file, "%.*s%s%s", (int)(mark - text), text, named,
			mark + 2);
	if (fclose(file) != 0)
		stop(path);
}

static void test_follows(const char *base)
{
	static const char *const names[] = {"other", "other.d/a.yes",
		"other.d/b", "other.d/c.no", "other.d/.hidden", "other.d/d~",
		"other.d/#e#"};
	char other[PATH_MAX + 8], found[FOUND_SIZE];

	snprintf(other, sizeof other, "%s/other", base);
	if (mkdir("other.d", 0700) < 0 || mkdir("other.d/f", 0700) < 0)
		stop("other.d");
	for (size_t i = 0; i < sizeof follows / sizeof follows[0]; i++) {
		write_with_path("leases", follows[i].text, other);
		for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
			write_with_path(names[j], follows[i].other, other);
		const int err = read_as("leases", LEASES_ANY, found);
		if (!tap_ok(err == follows[i].err &&
				    (err < 0 || strcmp(found,
							follows[i].found) == 0),
			    follows[i].what))
			printf("# %d, found: %s\n", err, found);
	}
}

#define ROW(address, last)                             \
	KEA4 "10.0.0." address ",00:00:5e:00:53:" last \
	     ",,4000,9999999999,1,0,0,,0,,0\n"

/* Kea's lease file is cleaned up: the newest records come last. */
static void test_cleanup(void)
{
	char found[FOUND_SIZE];

	write_with_path("kea", ROW("7", "0b"), "");
	write_with_path("kea.1", ROW("7", "0c"), "");
	write_with_path("kea.2", ROW("7", "0d"), "");
	tap_ok(read_as("kea", LEASES_ANY, found) == 0 &&
			strcmp(found, "10.0.0.7=0d 10.0.0.7=0c 10.0.0.7=0b ") ==
				0,
		"Kea's files during a clean-up");
	write_with_path("kea.completed", ROW("7", "0e"), "");
	tap_ok(read_as("kea", LEASES_KEA, found) == 0 &&
			strcmp(found, "10.0.0.7=0d 10.0.0.7=0c 10.0.0.7=0e "
				      "10.0.0.7=0b ") == 0,
		"Kea's files when it is completed");
	unlink("kea.2");
	write_with_path("kea.1", "nonsense\n", "");
	tap_ok(read_as("kea", LEASES_KEA, found) == -EBADMSG,
		"one of Kea's files is none");
	if (unlink("kea.1") < 0 || mkdir("kea.1", 0700) < 0)
		stop("kea.1");
	tap_ok(read_as("kea", LEASES_KEA, found) == -EISDIR,
		"one of Kea's files is a directory");
}

static void test_too_large(void)
{
	char found[FOUND_SIZE];
	FILE *file = open_memory();

	fputc('{', file);
	for (int i = 0; i < 65 * MEGABYTE; i++)
		putc_unlocked(' ', file);
	if (fclose(file) != 0)
		stop(memory_path);
	tap_ok(read_as(memory_path, LEASES_ANY, found) == -EFBIG,
		"a configuration that is too large");
}

static void test_directory(void)
{
	static const struct mac mac = {{0x00, 0x00, 0x5e, 0x00, 0x53, 0x0b}};
	char found[FOUND_SIZE] = "";
	struct lease_sink sink = {.found = note_lease,
		.named = note_host,
		.resolve = note_name,
		.context = found,
		.mac = &mac};

	if (mkdir("network", 0700) < 0 ||
		mkdir("network/a.network.d", 0700) < 0 ||
		mkdir("network/b.network", 0700) < 0)
		stop("network");
	write_with_path("network/a.network", NETWORK, "");
	write_with_path("network/a.network.d/x.conf",
		"[DHCPServerStaticLease]\nMACAddress=00:00:5e:00:53:0d\n"
		"Address=10.0.0.9\n",
		"");
	write_with_path("network/a.network~", "nonsense", "");
	write_with_path("network/b.network.dpkg-old", "nonsense", "");
	tap_ok(leases_read_all("network/*.network*", LEASES_NETWORK, &sink) ==
				0 &&
			strcmp(found, "+10.0.0.7=0b +10.0.0.8=0c ") == 0,
		"files of a pattern");
	tap_ok(leases_read_all("network/*.network.d/*.conf", LEASES_NETWORK,
		       &sink) == 0 &&
			strcmp(found, "+10.0.0.7=0b +10.0.0.8=0c "
				      "+10.0.0.9=0d ") == 0,
		"files of a pattern in directories of a pattern");
	tap_ok(leases_read_all("missing/*", LEASES_JSON, &sink) == 0,
		"a directory that is not there");
	write_with_path("network/c.network", "nonsense\n", "");
	tap_ok(leases_read_all("network/*.network", LEASES_NETWORK, &sink) ==
				-EBADMSG &&
			strcmp(sink.path, "network/c.network") == 0,
		"a pattern, and a file of another format");
	tap_ok(symlink("loop", "network/loop") == 0 &&
			leases_read_all("network/loop/*", LEASES_JSON, &sink) ==
				-ELOOP,
		"a directory that can't be read");
}

int main(void)
{
	char base[PATH_MAX], command[PATH_MAX + 16];

	scratch_enter(base, sizeof base);
	test_files();
	test_samples();
	test_follows(base);
	test_cleanup();
	test_too_large();
	test_directory();
	snprintf(command, sizeof command, "rm -rf -- '%s'", base);
	if (chdir("/") < 0 || system(command) != 0)
		stop(command);
	return tap_end();
}
