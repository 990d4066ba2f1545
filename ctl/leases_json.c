/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON: reservations in the configuration of Kea, and the leases of
 * systemd-networkd. Kea takes more than JSON: see lease_kea_text.h.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_kea_text.h"

#define ETHERNET 1 /* the hardware type of RFC 826 */

/* Kea's MAC addresses may have blanks in the place of colons. */
static bool read_kea_mac(const json_t *value, struct mac *out)
{
	const char *text = json_string_value(value), *why;
	char mac[32];

	if (text == NULL || strlen(text) >= sizeof mac)
		return false;
	strcpy(mac, text);
	for (char *at = mac; (at = strchr(at, ' ')) != NULL;)
		*at = ':';
	return mac_parse(mac, out, &why);
}

static void reserve_number(
	struct lease_sink *sink, const struct mac *mac, const json_t *value)
{
	const char *text = json_string_value(value);
	struct address address;

	/* Kea takes no host names. */
	if (text != NULL && address_parse(text, &address))
		leases_reserve(sink, mac, 0, text, AF_UNSPEC);
}

/* Reports the name of a host that has no MAC address: a DUID, or another id. */
static void name_numbers(const json_t *host, struct lease_sink *sink)
{
	const char *name = json_string_value(json_object_get(host, "hostname"));
	const json_t *many = json_object_get(host, "ip-addresses");
	const unsigned record = ++sink->records;

	leases_name(sink, name, &mac_unknown, record,
		json_string_value(json_object_get(host, "ip-address")));
	for (size_t i = 0; i < json_array_size(many); i++)
		leases_name(sink, name, &mac_unknown, record,
			json_string_value(json_array_get(many, i)));
}

static void read_reservation(const json_t *host, struct lease_sink *sink)
{
	const char *name = json_string_value(json_object_get(host, "hostname"));
	const json_t *many = json_object_get(host, "ip-addresses");
	struct mac mac;

	if (!read_kea_mac(json_object_get(host, "hw-address"), &mac)) {
		name_numbers(host, sink);
		return;
	}
	leases_name(sink, name, &mac, 0, NULL);
	reserve_number(sink, &mac, json_object_get(host, "ip-address"));
	for (size_t i = 0; i < json_array_size(many); i++)
		reserve_number(sink, &mac, json_array_get(many, i));
}

static void read_reservations(const json_t *scope, struct lease_sink *sink)
{
	const json_t *hosts = json_object_get(scope, "reservations");

	for (size_t i = 0; i < json_array_size(hosts); i++)
		read_reservation(json_array_get(hosts, i), sink);
}

static void read_subnets(
	const json_t *scope, const char *name, struct lease_sink *sink)
{
	const json_t *subnets = json_object_get(scope, name);

	for (size_t i = 0; i < json_array_size(subnets); i++)
		read_reservations(json_array_get(subnets, i), sink);
}

static void read_kea(
	const json_t *server, const char *subnets, struct lease_sink *sink)
{
	const json_t *networks = json_object_get(server, "shared-networks");

	read_reservations(server, sink);
	read_subnets(server, subnets, sink);
	for (size_t i = 0; i < json_array_size(networks); i++)
		read_subnets(json_array_get(networks, i), subnets, sink);
}

/* Reads an array of bytes. False: it is none, or of another size. */
static bool read_bytes(
	const json_t *array, uint8_t *out, size_t count, size_t size)
{
	if (json_array_size(array) != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		const json_t *one = json_array_get(array, i);
		const double value = json_number_value(one);
		if (!json_is_number(one) || !(value >= 0 && value <= 255))
			return false;
		if (i < count)
			out[i] = (uint8_t)value;
	}
	return true;
}

static bool has_hardware_address(const json_t *lease, struct mac *out)
{
	const json_t *length = json_object_get(lease, "HardwareAddressLength");
	const json_t *type = json_object_get(lease, "HardwareAddressType");

	return json_number_value(length) == sizeof out->bytes &&
	       json_number_value(type) == ETHERNET &&
	       read_bytes(json_object_get(lease, "HardwareAddress"), out->bytes,
		       sizeof out->bytes, 16);
}

/*
 * networkd makes the client identifier of the hardware type and the MAC address
 * if the client has none, and so do most clients.
 */
static bool has_mac_as_id(const json_t *lease, struct mac *out)
{
	uint8_t id[1 + sizeof out->bytes] = {0};

	if (!read_bytes(json_object_get(lease, "ClientId"), id, sizeof id,
		    sizeof id) ||
		id[0] != ETHERNET)
		return false;
	memcpy(out->bytes, id + 1, sizeof out->bytes);
	return true;
}

/* Older releases save only the client identifier. */
static void read_networkd_mac(const json_t *lease, struct mac *out)
{
	struct mac mac = {{0}};
	char text[MAC_SIZE];
	const char *why;

	if (!has_hardware_address(lease, &mac) && !has_mac_as_id(lease, &mac))
		return;
	mac_text(&mac, text);
	mac_parse(text, out, &why); /* one that a machine can have */
}

/* False: not as networkd writes it. */
static bool read_networkd_lease(
	const json_t *json, double now, struct lease_sink *sink)
{
	const json_t *end = json_object_get(json, "ExpirationRealtimeUSec");
	const double seconds = json_number_value(end) / 1e6;
	const char *name = json_string_value(json_object_get(json, "Hostname"));
	struct lease lease = {.holds = seconds > now};
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[4];

	if (!json_is_number(end) || json_object_get(json, "ClientId") == NULL ||
		!read_bytes(json_object_get(json, "Address"), bytes,
			sizeof bytes, sizeof bytes))
		return false;
	snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2],
		bytes[3]);
	/* One that never ends is the newest of none. */
	if (seconds < 1e11)
		lease.order = (long long)seconds;
	read_networkd_mac(json, &lease.mac);
	if (name != NULL && name[0] != '\0')
		lease.name = name;
	if (address_parse(text, &lease.address))
		sink->found(&lease, sink->context);
	return true;
}

static int read_networkd(const json_t *leases, struct lease_sink *sink)
{
	const double now = (double)time(NULL);

	if (!json_is_array(leases))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(leases); i++) {
		if (!read_networkd_lease(json_array_get(leases, i), now, sink))
			return -EBADMSG;
	}
	return 0;
}

static int read_root(const json_t *root, struct lease_sink *sink)
{
	const json_t *dhcp4 = json_object_get(root, "Dhcp4");
	const json_t *dhcp6 = json_object_get(root, "Dhcp6");

	if (json_object_get(root, "BootID") != NULL)
		return read_networkd(json_object_get(root, "Leases"), sink);
	if (!json_is_object(dhcp4) && !json_is_object(dhcp6))
		return -EBADMSG;
	read_kea(dhcp4, "subnet4", sink);
	read_kea(dhcp6, "subnet6", sink);
	return 0;
}

int leases_of_json(FILE *file, struct lease_sink *sink)
{
	char *text;
	size_t length;

	int err = lease_kea_text(file, sink, &text, &length);
	if (err < 0)
		return err;
	/* 2^64 - 1, a time that never comes, is no integer of jansson's. */
	json_t *root = json_loadb(text, length, JSON_DECODE_INT_AS_REAL, NULL);
	free(text);
	if (root == NULL)
		return -EBADMSG;
	err = read_root(root, sink);
	json_decref(root);
	return err;
}
