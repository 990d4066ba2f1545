/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What the peer has read of one answer. */
struct answer_read {
	bool has_ended; /* END_REQUEST has come */
	bool is_whole;  /* the head, and all of the body */
	size_t body;    /* bytes of it */
};

/* Before each answer. */
void answer_forget(void);

/* Reads at most so many bytes of what has come. Returns how many it was. */
size_t answer_take(int fd, size_t most);

/*
 * Looks at what was read since answer_forget(). All that there is of it must
 * be a good answer to that request, and it must be whole when it has ended.
 */
void answer_look(unsigned id, bool head, struct answer_read *out);
