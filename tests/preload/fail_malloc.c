/* SPDX-License-Identifier: MIT */
/*
 * Counts the allocations of a program, and lets some fail:
 *
 *	FAIL_MALLOC=N	the N-th one
 *	FAIL_MALLOC=N+	the N-th one and all that follow
 *	FAIL_MALLOC_COUNT=PATH	how many there were goes there at exit
 *
 * Those of libseccomp are left out: it is not made to go without, and crashes,
 * or leaves rules out. For LD_PRELOAD with glibc.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *old, size_t size);

static atomic_ulong count;

static bool is_libseccomp(const void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) != 0 && info.dli_fname != NULL &&
	       strstr(info.dli_fname, "libseccomp") != NULL;
}

static bool fails(const void *caller)
{
	if (is_libseccomp(caller))
		return false;

	const char *which = getenv("FAIL_MALLOC");
	const unsigned long this = atomic_fetch_add(&count, 1) + 1;
	char *end;

	if (which == NULL)
		return false;
	const unsigned long first = strtoul(which, &end, 10);
	if (this != first && !(*end == '+' && this > first))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
	                                          : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
	                                          : __libc_realloc(old, size);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("FAIL_MALLOC_COUNT");
	const unsigned long all = atomic_load(&count);
	FILE *file = path == NULL ? NULL : fopen(path, "w");

	if (file != NULL) {
		fprintf(file, "%lu\n", all);
		fclose(file);
	}
}
