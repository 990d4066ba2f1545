/* SPDX-License-Identifier: MIT */
#include "boot_file.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

/* Bytes of the beginning that are looked at. */
#define HEAD_SIZE 1024

/* Where a format has bytes that no other has there. */
static const struct {
	size_t offset;
	const char *bytes;
	size_t size;
} marks[] = {
	{0, "#!ipxe", 6}, {0, "#!gpxe", 6},
	{0, "MZ", 2},           /* EFI program, or Linux with an EFI stub */
	{0, "\xea", 1},         /* PXELINUX, undionly.kpxe: a far jump */
	{0, "\xb2\x7f\xea", 3}, /* GRUB for PXE: %dl, then a far jump */
	{0x202, "HdrS", 4},     /* Linux, boot protocol 2.00 and later */
	{0, "\177ELF", 4},      /* SYSLINUX's modules, Multiboot kernels */
	{0x1fe, "\x55\xaa", 2}, /* a disk image: its boot sector */
	{0, "\x1f\x8b", 2},     /* gzip, which iPXE unpacks */
};

/* What is read as configuration, and by whom, shows by its place alone. */
static const char *const configurations[] = {"grub/*", "*/grub/*", "grub.cfg*",
	"*/grub.cfg*", "pxelinux.cfg/*", "*/pxelinux.cfg/*"};

static bool has_mark(const char *head, size_t size)
{
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (marks[i].offset + marks[i].size <= size &&
			memcmp(head + marks[i].offset, marks[i].bytes,
				marks[i].size) == 0)
			return true;
	}
	return false;
}

static bool is_text(const char *head, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const unsigned char c = (unsigned char)head[i];
		if (c < ' ' && strchr("\t\n\f\r", c) == NULL)
			return false;
	}
	return true;
}

/* ISO 9660 has its mark further behind: ECMA-119, section 8.1. */
static bool is_iso(int fd)
{
	char mark[5];

	return pread(fd, mark, sizeof mark, 0x8001) == sizeof mark &&
	       memcmp(mark, "CD001", sizeof mark) == 0;
}

static bool is_configuration(const struct tree *tree, int fd)
{
	const size_t count = sizeof configurations / sizeof configurations[0];
	char path[PATH_MAX];

	if (tree_name(tree, fd, path, sizeof path) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (fnmatch(configurations[i], path, 0) == 0)
			return true;
	}
	return false;
}

const char *boot_file_doubt(const struct tree *tree, int fd)
{
	char head[HEAD_SIZE];
	const ssize_t size = pread(fd, head, sizeof head, 0);

	if (size == 0)
		return "it is empty, and iPXE goes on to the next device";
	if (size < 0 || has_mark(head, (size_t)size) || is_iso(fd) ||
		is_configuration(tree, fd))
		return NULL;
	return is_text(head, (size_t)size)
	               ? "a text that does not begin with #!ipxe: iPXE runs it "
	                 "as machine code, and hangs"
	               : "not a script, nor a program that firmware is known "
	                 "to run";
}
