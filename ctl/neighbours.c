/* SPDX-License-Identifier: MIT */
/* Reads the kernel's neighbour table by netlink: rtnetlink(7). */
#include "ctl/neighbours.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "ctl/address.h"

/* Repeat an interrupted dump, but not endlessly. */
#define TRIES_MAX 10

/*
 * The machine answered just now, or the administrator made a permanent entry.
 * Any other state is history: the address may have passed to another machine
 * since.
 */
#define CONFIRMED (NUD_REACHABLE | NUD_PERMANENT)

struct neighbour_search {
	neighbour_found *found;
	void *context;
};

/* The attributes that we need: rtnetlink(7). */
struct neighbour {
	const struct nlattr *address, *mac;
};

static int keep_attribute(const struct nlattr *attribute, void *context)
{
	struct neighbour *neighbour = context;

	switch (mnl_attr_get_type(attribute)) {
	case NDA_DST:
		neighbour->address = attribute;
		break;
	case NDA_LLADDR:
		neighbour->mac = attribute;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static bool read_neighbour_address(
	int family, const struct nlattr *attribute, struct address *out)
{
	const size_t size = mnl_attr_get_payload_len(attribute);
	char text[INET6_ADDRSTRLEN];

	return size == (family == AF_INET ? sizeof(struct in_addr)
					  : sizeof(struct in6_addr)) &&
	       inet_ntop(family, mnl_attr_get_payload(attribute), text,
		       sizeof text) != NULL &&
	       address_parse(text, out);
}

static int read_neighbour(const struct nlmsghdr *message, void *context)
{
	const struct neighbour_search *search = context;
	const struct ndmsg *head = mnl_nlmsg_get_payload(message);
	struct neighbour neighbour = {NULL, NULL};
	struct address address;
	struct mac mac;

	if (message->nlmsg_type != RTM_NEWNEIGH ||
		(head->ndm_family != AF_INET && head->ndm_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof *head, keep_attribute, &neighbour);
	if (neighbour.address == NULL || neighbour.mac == NULL ||
		mnl_attr_get_payload_len(neighbour.mac) != sizeof mac.bytes ||
		!read_neighbour_address(
			head->ndm_family, neighbour.address, &address))
		return MNL_CB_OK;
	memcpy(mac.bytes, mnl_attr_get_payload(neighbour.mac),
		sizeof mac.bytes);
	search->found(&address, &mac, (head->ndm_state & CONFIRMED) != 0,
		search->context);
	return MNL_CB_OK;
}

/* Returns 0 or -errno; -EINTR: the table has changed meanwhile. */
static int dump_neighbours(
	struct mnl_socket *socket, struct neighbour_search *search)
{
	char bytes[32768]; /* the kernel's largest piece: netlink(7) */
	struct nlmsghdr *ask = mnl_nlmsg_put_header(bytes);
	const unsigned number = (unsigned)time(NULL);
	int more = MNL_CB_OK;

	ask->nlmsg_type = RTM_GETNEIGH;
	ask->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ask->nlmsg_seq = number;
	mnl_nlmsg_put_extra_header(ask, sizeof(struct ndmsg));
	if (mnl_socket_sendto(socket, ask, ask->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		const ssize_t n =
			mnl_socket_recvfrom(socket, bytes, sizeof bytes);
		if (n < 0)
			return -errno;
		more = mnl_cb_run(bytes, (size_t)n, number,
			mnl_socket_get_portid(socket), read_neighbour, search);
	}
	return more < 0 ? -errno : 0;
}

static int read_neighbours_once(struct neighbour_search *search)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);

	if (socket == NULL)
		return -errno;
	int err = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0
	                  ? -errno
	                  : dump_neighbours(socket, search);
	mnl_socket_close(socket);
	return err;
}

int neighbours_read(neighbour_found *found, void *context)
{
	struct neighbour_search search = {found, context};
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < TRIES_MAX; tries++)
		err = read_neighbours_once(&search);
	return err;
}
