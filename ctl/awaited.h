/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "boot/claim.h"
#include "boot/client.h"
#include "ctl/address.h"

struct tree;

/* The links of a client that wait waits for. */
enum awaited_kind {
	AWAITED_ONCE,
	AWAITED_UNTIL,
	AWAITED_KINDS, /* number of kinds */
};

enum awaited_state {
	AWAITED_NOTHING, /* the client has no such link */
	AWAITED_ARMED,
	AWAITED_CLAIMED,   /* an answer is under way, or a crash broke it off */
	AWAITED_OVER,      /* served, or done */
	AWAITED_CANCELLED, /* it was armed, and is gone without being served */
	AWAITED_EXPIRED,
	AWAITED_GONE, /* a claim that was removed: perhaps for want of room */
};

/* Tells a link from another one of its name. A rename changes neither. */
struct awaited_mark {
	ino_t inode; /* 0: there is no link */
	struct timespec modified;
};

struct awaited_link {
	enum awaited_state state;
	time_t since;               /* when it came into this state */
	struct awaited_mark before; /* what was served, or done, before it */
	struct awaited_mark found;  /* the same, at the begin of this look */
	bool is_armed;              /* at this look */
	bool is_expected;           /* it was armed, or claimed, at some look */
	bool is_missing;            /* it was nowhere at the last look */
};

struct awaited_client {
	char key[KEY_SIZE]; /* names its entries */
	struct address address;
	bool is_address; /* else it has a name */
	struct awaited_link links[AWAITED_KINDS];
	bool is_settled;           /* no look changes anything */
	struct timespec claimed;   /* the newest claim; 0: there is none */
	struct timespec cancelled; /* the newest link in once/.cancelled/ */
};

struct awaited {
	const struct tree *tree;
	unsigned expires;               /* as in struct once_limits */
	struct awaited_client *clients; /* sorted, none twice */
	size_t count;

	/* Called when a link of a client is over, or lost. */
	void (*report)(const struct awaited_client *client,
		enum awaited_kind kind, void *context);
	void *context;

	/* Of the last look. */
	size_t waiting;     /* clients that are not settled */
	bool has_doubts;    /* look again soon */
	time_t next_expiry; /* when a link expires next; 0: none does */
	int error;          /* 0, or -errno: a look was not possible */
	char place[CLAIM_PATH_SIZE]; /* where it was not */

	/* For awaited.c alone. */
	time_t now;
	bool has_armed[AWAITED_KINDS], has_over[AWAITED_KINDS];
	bool needs_history; /* there are clients that nothing is armed for */
};

/* Fills in a client of this key, whose links are not known yet. */
void awaited_client_of(const char *key, struct awaited_client *out);

/* Sorts the clients, and removes those that are there twice. */
void awaited_sort(struct awaited *awaited);

/* Looks where the links of the clients are, and reports what has changed. */
void awaited_look(struct awaited *awaited);

/* Whether all links of a client that is settled were served, or are done. */
bool awaited_is_over(const struct awaited_client *client);
