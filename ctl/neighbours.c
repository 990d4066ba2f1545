/* SPDX-License-Identifier: MIT */
#include "neighbours.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "address.h"

struct search {
	const struct mac *mac;
	mac_found *found;
	void *context;
};

/* The attributes that count: rtnetlink(7). */
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

static bool read_address(
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
	const struct search *search = context;
	const struct ndmsg *head = mnl_nlmsg_get_payload(message);
	struct neighbour neighbour = {NULL, NULL};
	struct address address;

	if (message->nlmsg_type != RTM_NEWNEIGH ||
		(head->ndm_family != AF_INET && head->ndm_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof *head, keep_attribute, &neighbour);
	if (neighbour.address != NULL && neighbour.mac != NULL &&
		mnl_attr_get_payload_len(neighbour.mac) ==
			sizeof search->mac->bytes &&
		memcmp(mnl_attr_get_payload(neighbour.mac), search->mac->bytes,
			sizeof search->mac->bytes) == 0 &&
		read_address(head->ndm_family, neighbour.address, &address))
		search->found(&address, search->context);
	return MNL_CB_OK;
}

static void dump(struct mnl_socket *socket, struct search *search)
{
	char bytes[32768]; /* what the kernel sends at a time: netlink(7) */
	struct nlmsghdr *ask = mnl_nlmsg_put_header(bytes);
	const unsigned number = (unsigned)time(NULL);

	ask->nlmsg_type = RTM_GETNEIGH;
	ask->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ask->nlmsg_seq = number;
	mnl_nlmsg_put_extra_header(ask, sizeof(struct ndmsg));
	if (mnl_socket_sendto(socket, ask, ask->nlmsg_len) < 0)
		return;
	for (;;) {
		const ssize_t n =
			mnl_socket_recvfrom(socket, bytes, sizeof bytes);
		if (n < 0 || mnl_cb_run(bytes, (size_t)n, number,
				     mnl_socket_get_portid(socket),
				     read_neighbour, search) <= MNL_CB_STOP)
			return;
	}
}

void neighbours_find(const struct mac *mac, mac_found *found, void *context)
{
	struct search search = {mac, found, context};
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);

	if (socket == NULL)
		return;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0)
		dump(socket, &search);
	mnl_socket_close(socket);
}
