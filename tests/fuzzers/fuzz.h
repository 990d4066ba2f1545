/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer calls these. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, which keeps the input, when the condition does not hold. */
#define MUST(condition) \
	((condition) ? (void)0 : fuzz_stop(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_stop(const char *file, int line, const char *what);

/* An input that is taken front to back. */
struct input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 at the end. */
unsigned fuzz_byte(struct input *in);

/*
 * What stands before the next byte of that value, or the end, as a string of
 * exactly its size on the heap, to be freed. A NUL ends it earlier.
 */
char *fuzz_string(struct input *in, char end);

/* Counts inputs, and at the end says how many, how fast, and the accepted. */
void fuzz_tally(bool accepted);

/* Which of the first 64 descriptors are open, a bit each. */
uint64_t fuzz_descriptors(void);

/* A file of a tree: a link when it has a text, else that many bytes. */
struct fuzz_entry {
	const char *path, *text; /* "@" begins a text: where the tree lies */
	size_t size;
};

/*
 * Makes a tree in a new directory beneath $TMPDIR, whose path it returns. Who
 * has set TMPDIR removes it.
 */
const char *fuzz_tree(const struct fuzz_entry *entries, size_t count);

/* Writes text, with the tree's place for a leading "@". False: no room. */
bool fuzz_expand(const char *text, char *out, size_t size);
