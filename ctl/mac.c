/* SPDX-License-Identifier: MIT */
#include "mac.h"

#include <err.h>
#include <errno.h>
#include <string.h>

#include "address.h"
#include "leases.h"
#include "neighbours.h"

/* More addresses than any machine has that boots. */
#define ADDRESSES_MAX 64

/* Of dnsmasq and of ISC dhcpd, on Debian and on Fedora. */
static const char *const usual[] = {"/var/lib/misc/dnsmasq.leases",
	"/var/lib/dnsmasq/dnsmasq.leases", "/var/lib/dhcp/dhcpd.leases",
	"/var/lib/dhcpd/dhcpd.leases"};

struct seen {
	struct address addresses[ADDRESSES_MAX];
	unsigned count;
};

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)((at - digits) % 16);
}

bool mac_parse(const char *text, struct mac *out)
{
	struct mac mac;

	for (size_t i = 0; i < sizeof mac.bytes; i++) {
		const int high = hex_digit(text[0]);
		const int low = high < 0 ? -1 : hex_digit(text[1]);
		const bool is_last = i + 1 == sizeof mac.bytes;
		if (low < 0 || (is_last ? text[2] != '\0'
					: text[2] != ':' && text[2] != '-'))
			return false;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
		text += 3;
	}
	*out = mac;
	return true;
}

static void tell_once(const struct address *address, void *context)
{
	struct seen *seen = context;

	if (IN6_IS_ADDR_LINKLOCAL(&address->bits))
		return;
	for (unsigned i = 0; i < seen->count; i++) {
		if (address_compare(&seen->addresses[i], address) == 0)
			return;
	}
	if (seen->count < ADDRESSES_MAX)
		seen->addresses[seen->count++] = *address;
}

static bool look_into(const char *path, bool must_be_there,
	const struct mac *mac, struct seen *seen)
{
	const int error = -leases_find(path, mac, tell_once, seen);

	if (error == 0 || (error == ENOENT && !must_be_there))
		return true;
	warnx("%s: %s", path, strerror(error));
	return !must_be_there;
}

bool mac_addresses(const struct mac *mac, const char *leases, mac_found *found,
	void *context)
{
	struct seen seen = {.count = 0};

	if (leases != NULL && !look_into(leases, true, mac, &seen))
		return false;
	for (size_t i = 0; leases == NULL && i < sizeof usual / sizeof usual[0];
		i++)
		look_into(usual[i], false, mac, &seen);
	neighbours_find(mac, tell_once, &seen);
	for (unsigned i = 0; i < seen.count; i++)
		found(&seen.addresses[i], context);
	return true;
}
