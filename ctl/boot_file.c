/* SPDX-License-Identifier: MIT */
/*
 * Recognizes boot files as iPXE does: a script by its first line, other formats
 * by their magic numbers. On a BIOS, iPXE runs any other file that fits below
 * 640 KiB as a PXE boot program, even a text. That is why a text is reported.
 */
#include "ctl/boot_file.h"

#include <endian.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/reason.h"
#include "boot/tree.h"

/* Bytes that are looked at. */
#define TEXT_LOOKED_AT 1024

/* Allowed in a text: white space, bell, backspace, DOS end of file, escape. */
static const char controls[] = "\t\n\v\f\r\a\b\x1a\x1b";

static bool has_control(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] < ' ' &&
			memchr(controls, bytes[i], sizeof controls - 1) == NULL)
			return true;
	}
	return false;
}

static size_t utf8_length(unsigned char first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
	                      : 0;
}

static bool is_utf8(const unsigned char *bytes, size_t size)
{
	size_t length;

	for (size_t i = 0; i < size; i += length) {
		length = utf8_length(bytes[i]);
		if (length == 0)
			return false;
		for (size_t next = i + 1; next < i + length && next < size;
			next++) {
			if ((bytes[next] & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

static bool is_mostly_ascii(const unsigned char *bytes, size_t size)
{
	size_t ascii = 0;

	for (size_t i = 0; i < size; i++)
		ascii += bytes[i] < 0x80;
	return ascii * 4 >= size * 3;
}

/*
 * Whether the beginning of a file is text: UTF-8, possibly cut off, or an
 * encoding that is mostly ASCII.
 */
static bool is_text_file(const char *bytes, size_t size)
{
	const unsigned char *at = (const unsigned char *)bytes;

	if (size > TEXT_LOOKED_AT)
		size = TEXT_LOOKED_AT;
	return !has_control(at, size) &&
	       (is_utf8(at, size) || is_mostly_ascii(at, size));
}

/* low: which one of two bytes has the lower half. */
static bool is_utf16_of_order(const char *bytes, size_t size, size_t low)
{
	char narrow[TEXT_LOOKED_AT / 2];
	size_t used = 0;

	for (size_t i = 0; i + 1 < size && used < sizeof narrow; i += 2) {
		narrow[used] = bytes[i + low];
		if (bytes[i + 1 - low] != '\0')
			narrow[used] = '\xff'; /* not valid in UTF-8 */
		used++;
	}
	return used >= 4 && is_text_file(narrow, used);
}

/* The same for UTF-16 of either byte order, of at least 4 characters. */
static bool is_utf16_file(const char *bytes, size_t size)
{
	return is_utf16_of_order(bytes, size, 0) ||
	       is_utf16_of_order(bytes, size, 1);
}

/* A Multiboot header may be anywhere in the first 8 KiB. */
#define HEAD_SIZE 8192
/* A boot program of PXE lies between 0x7c00 and the end of base memory. */
#define PROGRAM_MAX (0xa0000 - 0x7c00)

#define WHITE_SPACE " \t\n\v\f\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct head {
	size_t size;
	char bytes[HEAD_SIZE + 1]; /* ended by a NUL */
};

/* Formats that may be larger than a boot program of PXE. */
static const struct {
	size_t offset;
	const char *bytes;
	size_t size;
} marks[] = {
	{0, "MZ", 2},           /* EFI program, or Linux with an EFI stub */
	{0x202, "HdrS", 4},     /* Linux, boot protocol 2.00 and later */
	{0, "\177ELF", 4},      /* kernels, modules of SYSLINUX */
	{0x1fe, "\x55\xaa", 2}, /* a disk image: its boot sector */
	{0, "\x1f\x8b", 2},     /* gzip: iPXE and U-Boot unpack it */
	{0, "\xb8\xff\x4c\xcd\x21", 5}, /* COM32 of SYSLINUX 3 and 4 */
	{0, "\xb8\xfe\x4c\xcd\x21", 5}, /* COM32 of SYSLINUX 5 */
	{0, "\x27\x05\x19\x56", 4},     /* uImage of U-Boot */
	{0, "\xd0\x0d\xfe\xed", 4},     /* FIT of U-Boot, device tree */
	{0, "\x36\x13\x03\x1b", 4},     /* NBI of Etherboot */
	{0, "$SDI0001", 8},             /* RAM disk of Windows */
	{0x24, "\x18\x28\x6f\x01", 4},  /* Linux for 32-bit ARM */
	{0x38, "ARM\x64", 4},           /* Linux for 64-bit ARM */
	{0x38, "RSC\x05", 4},           /* Linux for RISC-V */
};

/* GRUB and PXELINUX read these as configuration, whatever is in them. */
static const char *const configurations[] = {"grub/*", "*/grub/*", "grub.cfg*",
	"*/grub.cfg*", "pxelinux.cfg/*", "*/pxelinux.cfg/*"};

static bool has_magic(const char *at)
{
	return strncmp(at, "#!ipxe", 6) == 0 || strncmp(at, "#!gpxe", 6) == 0;
}

static bool is_script(const struct head *head)
{
	return has_magic(head->bytes) && head->bytes[6] != '\0' &&
	       strchr(WHITE_SPACE, head->bytes[6]) != NULL;
}

/* In upper case, or with blanks inside. */
static bool has_careless_magic(const char *at)
{
	if (*at++ != '#')
		return false;
	at += strspn(at, " \t");
	if (*at++ != '!')
		return false;
	at += strspn(at, " \t");
	return strncasecmp(at, "ipxe", 4) == 0 ||
	       strncasecmp(at, "gpxe", 4) == 0;
}

/* What is wrong with a first line that was meant to be #!ipxe, or NULL. */
static const char *magic_doubt(const struct head *head)
{
	const char *at = head->bytes;

	if (has_magic(at))
		return "#!ipxe must be followed by a newline: iPXE runs this file as machine code, and hangs";
	if (is_utf16_file(head->bytes, head->size))
		return "a text in UTF-16, which must be UTF-8 without a byte order mark: iPXE runs it as machine code, and hangs";
	if (strncmp(at, BYTE_ORDER_MARK, 3) == 0)
		at += 3;
	at += strspn(at, WHITE_SPACE);
	if (has_magic(at))
		return "nothing may come before #!ipxe, neither an empty line nor a byte order mark: iPXE runs this file as machine code, and hangs";
	if (has_careless_magic(at))
		return "#!ipxe must be in lower case and without blanks: iPXE runs this file as machine code, and hangs";
	return NULL;
}

static bool has_mark(const struct head *head)
{
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (marks[i].offset + marks[i].size <= head->size &&
			memcmp(head->bytes + marks[i].offset, marks[i].bytes,
				marks[i].size) == 0)
			return true;
	}
	return false;
}

/* The Multiboot specification, 3.1.1: magic, flags and checksum give 0. */
static bool is_multiboot(const struct head *head)
{
	uint32_t fields[3];

	for (size_t at = 0; at + sizeof fields <= head->size; at += 4) {
		memcpy(fields, head->bytes + at, sizeof fields);
		if (le32toh(fields[0]) == 0x1badb002 &&
			le32toh(fields[0]) + le32toh(fields[1]) +
					le32toh(fields[2]) ==
				0)
			return true;
	}
	return false;
}

/* ISO 9660 has its magic number further on: ECMA-119, section 8.1. */
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

	if (tree_relative_path(tree, fd, path, sizeof path) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (fnmatch(configurations[i], path, 0) == 0)
			return true;
	}
	return false;
}

/* The doubt about a file that is not a script, or NULL. */
static const char *other_doubt(const struct head *head, int fd)
{
	struct stat st;
	const bool fits = fstat(fd, &st) == 0 && st.st_size <= PROGRAM_MAX;

	if (fits && is_text_file(head->bytes, head->size))
		return "a text that does not begin with #!ipxe and a newline: iPXE runs it as machine code, and hangs; only GRUB and PXELINUX read other texts";
	if (fits || has_mark(head) || is_multiboot(head) || is_iso(fd))
		return NULL;
	return "not a boot file that pxesrvctl knows, and too large for a boot program of PXE: iPXE says Exec format error";
}

const char *boot_file_doubt(const struct tree *tree, int fd)
{
	struct head head;
	const ssize_t size = pread(fd, head.bytes, HEAD_SIZE, 0);

	if (size < 0)
		return reason_text(errno);
	if (size == 0)
		return "it is empty: iPXE says Exec format error, and goes on to the next device";
	head.size = (size_t)size;
	head.bytes[size] = '\0';
	if (is_script(&head))
		return NULL;
	const char *doubt = magic_doubt(&head);
	if (doubt != NULL)
		return doubt;
	doubt = other_doubt(&head, fd);
	return doubt == NULL || is_configuration(tree, fd) ? NULL : doubt;
}
