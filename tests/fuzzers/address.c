/* SPDX-License-Identifier: MIT */
/* The client's address: the input is what REMOTE_ADDR says. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "boot/client.h"
#include "fuzz.h"

/* Dotted decimal, by hand: four numbers, without zeros in front. */
static bool is_ipv4(const char *text, unsigned char out[static 4])
{
	for (int i = 0; i < 4; i++) {
		unsigned value = 0, digits = 0;
		const bool zero = *text == '0';
		for (; isdigit((unsigned char)*text); text++, digits++)
			value = digits < 3 ? value * 10 + (unsigned)*text - '0'
			                   : 256;
		if (digits == 0 || value > 255 || (zero && digits > 1))
			return false;
		if (*text++ != (i < 3 ? '.' : '\0'))
			return false;
		out[i] = (unsigned char)value;
	}
	return true;
}

/* By the resolver's own reader; the zone is left out, as it has to exist. */
static bool is_ipv6(const char *text, unsigned char out[static 16])
{
	const struct addrinfo hints = {
		.ai_family = AF_INET6,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST,
	};
	struct addrinfo *found;
	char *plain = strndup(text, strcspn(text, "%"));

	MUST(plain != NULL);
	/* It takes all forms of an IPv4 address, too, which is not asked. */
	const bool is = strchr(plain, ':') != NULL &&
	                getaddrinfo(plain, NULL, &hints, &found) == 0;
	free(plain);
	if (!is)
		return false;
	const struct sockaddr_in6 *address = (const void *)found->ai_addr;
	memcpy(out, &address->sin6_addr, 16);
	freeaddrinfo(found);
	return true;
}

static bool is_name(const char *name)
{
	return name[0] != '\0' && strlen(name) < INET6_ADDRSTRLEN &&
	       name[strspn(name, "0123456789abcdef:.")] == '\0';
}

static void check_ipv4(const struct client *got, const unsigned char *bytes)
{
	unsigned char again[4];
	char hex[9];

	MUST(is_ipv4(got->key, again) && memcmp(again, bytes, 4) == 0);
	MUST(strlen(got->hex) == 8);
	for (int i = 0; i < 4; i++) {
		hex[2 * i] = "0123456789ABCDEF"[bytes[i] >> 4];
		hex[2 * i + 1] = "0123456789ABCDEF"[bytes[i] & 15];
	}
	MUST(memcmp(got->hex, hex, 8) == 0);
}

static void check(const char *text, bool is, const struct client *got)
{
	static const unsigned char mapped[12] = {[10] = 0xff, 0xff};
	unsigned char bytes[16], again[16];

	if (is_ipv4(text, bytes)) {
		MUST(is);
		check_ipv4(got, bytes);
	} else if (!is_ipv6(text, bytes)) {
		MUST(!is);
	} else if (memcmp(bytes, mapped, sizeof mapped) == 0) {
		MUST(is);
		check_ipv4(got, bytes + 12);
	} else {
		MUST(is && got->hex[0] == '\0');
		MUST(is_ipv6(got->key, again));
		MUST(memcmp(again, bytes, 16) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct client got, again, untouched;
	char *text = fuzz_string(&in, '\0');

	memset(&untouched, 0xa5, sizeof untouched);
	got = again = untouched;
	const bool is = client_parse(text, &got);
	fuzz_tally(is);
	check(text, is, &got);
	if (is) {
		MUST(is_name(got.key));
		MUST(client_parse(got.key, &again));
		MUST(strcmp(got.key, again.key) == 0);
		MUST(strcmp(got.hex, again.hex) == 0);
	} else {
		MUST(memcmp(&got, &untouched, sizeof got) == 0);
	}
	free(text);
	return 0;
}
