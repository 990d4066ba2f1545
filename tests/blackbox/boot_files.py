# SPDX-License-Identifier: MIT
"""Boot files of all kinds: what pxesrvctl says of each, and what iPXE in the
ROM of a PC with a BIOS does with it."""
import gzip
import os
import struct
from typing import NamedTuple

import pytest

BODY = "\necho SAYS-script-END\nprompt --timeout 60000 Waiting.\n"
LARGER = bytes(700_000)  # than a boot program of PXE may be

# What pxesrvctl says, as far as it tells one warning from another.
NOTHING = None
NEWLINE = "#!ipxe must be followed by a newline"
IN_FRONT = "nothing may come before #!ipxe"
LOWER_CASE = "#!ipxe must be in lower case and without blanks"
UTF_16 = "a text in UTF-16"
TEXT = "a text that does not begin with #!ipxe and a newline"
EMPTY = "it is empty"
UNKNOWN = "not a boot file that pxesrvctl knows"

# What iPXE shows. What it runs as machine code and is no program shows nothing
# more: the machine hangs.
RUNS_SCRIPT = r"\[script\]\nSAYS-script-END$"
RUNS_NOTHING = r"\[script\]\n\nNo more network devices$"
RUNS_CODE = r"bytes \[PXE"
REFUSES = "Could not boot image: Exec format error"


class Real(NamedTuple):
    """A file of a package, or one that is made from some."""
    package: str
    path: str

    def content(self):
        if not os.path.exists(self.path):
            pytest.skip(f"{self.path} of {self.package} is not there")
        with open(self.path, "rb") as file:
            return file.read()


class BootFile(NamedTuple):
    name: str
    made: object
    said: str
    shows: str = None  # None: not booted here

    def content(self):
        if isinstance(self.made, Real):
            return self.made.content()
        return self.made.encode() if isinstance(self.made, str) else self.made


def _multiboot():
    """A kernel that halts, without an ELF header: the loader is told all."""
    magic, flags, start = 0x1badb002, 0x10000, 0x100000
    return struct.pack("<8I", magic, flags, -(magic + flags) & 0xffffffff,
                       start, start, 0, 0, start + 32) + b"\xf4\xeb\xfd"


def _linux(offset, mark):
    return bytes(offset) + mark + LARGER


SCRIPTS = [
    BootFile("script", "#!ipxe" + BODY, NOTHING, RUNS_SCRIPT),
    BootFile("script of gPXE", "#!gpxe" + BODY, NOTHING, RUNS_SCRIPT),
    BootFile("script of DOS", ("#!ipxe" + BODY).replace("\n", "\r\n"),
             NOTHING, RUNS_SCRIPT),
    BootFile("script, blank", "#!ipxe " + BODY, NOTHING, RUNS_SCRIPT),
    BootFile("script, tab", "#!ipxe\t# a comment" + BODY, NOTHING,
             RUNS_SCRIPT),
    BootFile("script, vertical tab", "#!ipxe\v" + BODY, NOTHING, RUNS_SCRIPT),
    BootFile("script, form feed", "#!ipxe\f" + BODY, NOTHING, RUNS_SCRIPT),
    BootFile("script, cut off", "#!ipxe" + BODY.rstrip(), NOTHING,
             RUNS_SCRIPT),
    BootFile("script, larger", "#!ipxe" + BODY + "#" * len(LARGER), NOTHING,
             RUNS_SCRIPT),
    BootFile("script, first line alone", "#!ipxe\n", NOTHING, RUNS_NOTHING),
    BootFile("script, one line", "#!ipxe echo\n", NOTHING),
]

NEARLY_SCRIPTS = [
    BootFile("no newline", "#!ipxe", NEWLINE, RUNS_CODE),
    BootFile("newline as written in C", "#!ipxe\\n" + BODY, NEWLINE,
             RUNS_CODE),
    BootFile("semicolon", "#!ipxe;" + BODY, NEWLINE, RUNS_CODE),
    BootFile("NUL", "#!ipxe\0" + BODY, NEWLINE, RUNS_CODE),
    BootFile("no-break space", b"#!ipxe\xa0" + BODY.encode(), NEWLINE,
             RUNS_CODE),
    BootFile("version", "#!ipxe2" + BODY, NEWLINE),
    BootFile("gPXE, semicolon", "#!gpxe;" + BODY, NEWLINE),
    BootFile("byte order mark", "\ufeff#!ipxe" + BODY, IN_FRONT, RUNS_CODE),
    BootFile("empty line", "\n#!ipxe" + BODY, IN_FRONT, RUNS_CODE),
    BootFile("blank in front", " #!ipxe" + BODY, IN_FRONT, RUNS_CODE),
    BootFile("mark and lines", "\ufeff\r\n \t#!gpxe" + BODY, IN_FRONT),
    BootFile("upper case", "#!IPXE" + BODY, LOWER_CASE, RUNS_CODE),
    BootFile("mixed case", "#!iPXE" + BODY, LOWER_CASE),
    BootFile("blank inside", "#! ipxe" + BODY, LOWER_CASE, RUNS_CODE),
    BootFile("all of these", "\ufeff\n# ! gPXE" + BODY, LOWER_CASE),
    BootFile("UTF-16", ("#!ipxe" + BODY).encode("utf-16"), UTF_16, RUNS_CODE),
    BootFile("UTF-16 without a mark", ("#!ipxe" + BODY).encode("utf-16-le"),
             UTF_16),
    BootFile("UTF-16, big-endian", ("#!ipxe" + BODY).encode("utf-16-be"),
             UTF_16, RUNS_CODE),
]

TEXTS = [
    BootFile("shell script", "#!/bin/sh\nreboot\n", TEXT, RUNS_CODE),
    BootFile("page", "<!DOCTYPE html>\n<title>Log in</title>\n", TEXT,
             RUNS_CODE),
    BootFile("preseed", "d-i debian-installer/locale string en_US\n", TEXT),
    BootFile("GRUB's", "set timeout=1\nmenuentry x {\n}\n", TEXT),
    BootFile("PXELINUX's", "DEFAULT x\nLABEL x\n  KERNEL linux\n", TEXT),
    BootFile("comment first", "# a menu\n#!ipxe" + BODY, TEXT, RUNS_CODE),
    BootFile("one letter", "x", TEXT, RUNS_CODE),
    BootFile("newline alone", "\n", TEXT),
    BootFile("cut in the magic", "#!ipx", TEXT),
    BootFile("Latin-1", "# Menü für Prüfstände\n".encode("latin-1"), TEXT),
    BootFile("Cyrillic", "# " + "загрузка " * 200, TEXT),
    BootFile("cut in a letter", ("загрузка" * 9).encode()[:-1], TEXT),
    BootFile("cut in a letter by the look", "x" + "й" * 999, TEXT),
    BootFile("coloured", "\x1b[31mLog in\x1b[0m\a\n\x1a", TEXT),
    BootFile("begins like EFI", "MZ is what programs begin with\n", TEXT),
    BootFile("mark and text", "\ufeffhello\n", TEXT),
    BootFile("UTF-16 text", "hello\n".encode("utf-16"), UTF_16),
    BootFile("UTF-16, four letters", "menu".encode("utf-16-le"), UTF_16),
    BootFile("largest text", "x" * 623_616, TEXT, RUNS_CODE),
    BootFile("larger text", "x" * 623_617, UNKNOWN, REFUSES),
    BootFile("empty", "", EMPTY, REFUSES),
]

# Boot programs of PXE that are not in Debian: the first instructions of those
# of the BSDs, and, of Microsoft's, ones that such programs may begin with.
PROGRAMS = [
    BootFile("OpenBSD's pxeboot", bytes.fromhex("31c08ed066bcfc7b0000")
             + bytes(60_000), NOTHING),
    BootFile("FreeBSD's pxeboot", bytes.fromhex("fc31c08ed0bc007c8cc1")
             + bytes(400_000), NOTHING),
    BootFile("pxeboot.n12", b"\xe9\x1d\x01" + bytes(25_000) + b"MZ"
             + bytes(400_000), NOTHING),
    BootFile("wdsnbp.com", b"\xfa\x0e\x1f" + b"WDSNBP\0" + bytes(30_000),
             NOTHING),
    BootFile("abortpxe.com", b"\x31\xc0\xcb", NOTHING,
             r"\[PXE-NBP\]\n\nNo more network devices$"),
    BootFile("next device", b"\xcd\x18", NOTHING,
             r"\[PXE-NBP\]\nBooting from Hard Disk"),
    BootFile("endless loop", b"\xeb\xfe", NOTHING),
    BootFile("code like overlong UTF-8", b"\xc0\xa0\xc1\xbf", NOTHING),
    BootFile("code like too large letters", b"\xf5\x80\x80\x80", NOTHING),
    BootFile("GRUB's core.0", b"\xb2\x7f\xea" + bytes(60_000), NOTHING),
    BootFile("program of letters", b"\xb4\x4c\xcd\x21" + b"Hello" * 200 +
             b"\0", NOTHING),
]

# Larger than those, so that a mark tells them.
OTHERS = [
    BootFile("EFI program", b"MZ" + LARGER, NOTHING, REFUSES),
    BootFile("Linux", _linux(0x202, b"HdrS"), NOTHING),
    BootFile("Linux for ARM", _linux(0x24, b"\x18\x28\x6f\x01"), NOTHING),
    BootFile("Linux for ARM 64", _linux(0x38, b"ARM\x64"), NOTHING),
    BootFile("Linux for RISC-V", _linux(0x38, b"RSC\x05"), NOTHING),
    BootFile("COM32 of 3.x", b"\xb8\xff\x4c\xcd\x21" + LARGER, NOTHING),
    BootFile("COM32 of 5.x", b"\xb8\xfe\x4c\xcd\x21" + LARGER, NOTHING),
    BootFile("short COM32", b"\xb8\xfe\x4c\xcd\x21", NOTHING),
    BootFile("uImage", b"\x27\x05\x19\x56" + LARGER, NOTHING),
    BootFile("FIT", b"\xd0\x0d\xfe\xed" + LARGER, NOTHING),
    BootFile("NBI", b"\x36\x13\x03\x1b" + LARGER, NOTHING),
    BootFile("Windows' RAM disk", b"$SDI0001" + LARGER, NOTHING),
    BootFile("Multiboot", _multiboot() + LARGER, NOTHING, r"\[Multiboot"),
    BootFile("Multiboot further behind", bytes(8_000) + _multiboot() + LARGER,
             NOTHING),
    BootFile("disk", bytes(0x1fe) + b"\x55\xaa" + LARGER, NOTHING),
    BootFile("CD", bytes(0x8001) + b"CD001" + LARGER, NOTHING),
    BootFile("packed", gzip.compress(os.urandom(700_000)), NOTHING),
    BootFile("Multiboot, wrong sum", _multiboot()[:8] + LARGER, UNKNOWN),
    BootFile("Multiboot too late", bytes(8_192) + _multiboot() + LARGER,
             UNKNOWN),
    BootFile("zeros", LARGER, UNKNOWN, REFUSES),
    BootFile("xz", b"\xfd7zXZ\0" + os.urandom(700_000), UNKNOWN),
]

REAL = [
    BootFile("undionly.kpxe", Real("ipxe", "/usr/lib/ipxe/undionly.kpxe"),
             NOTHING, r"\[PXE-NBP\]\n(.*\n)*iPXE initialising devices"),
    BootFile("undionly.kkpxe", Real("ipxe", "/usr/lib/ipxe/undionly.kkpxe"),
             NOTHING),
    BootFile("ipxe.pxe", Real("ipxe", "/usr/lib/ipxe/ipxe.pxe"), NOTHING),
    BootFile("ipxe.lkrn", Real("ipxe", "/usr/lib/ipxe/ipxe.lkrn"), NOTHING,
             r"\[bzImage\]\niPXE initialising devices"),
    BootFile("ipxe.efi", Real("ipxe", "/usr/lib/ipxe/ipxe.efi"), NOTHING),
    BootFile("snponly.efi", Real("ipxe", "/usr/lib/ipxe/snponly.efi"),
             NOTHING),
    BootFile("ipxe.iso", Real("ipxe", "/usr/lib/ipxe/ipxe.iso"), NOTHING),
    BootFile("pxelinux.0", Real("pxelinux", "/usr/lib/PXELINUX/pxelinux.0"),
             NOTHING, r"\[PXE-NBP\]\n\nPXELINUX \d"),
    BootFile("lpxelinux.0", Real("pxelinux", "/usr/lib/PXELINUX/lpxelinux.0"),
             NOTHING),
    BootFile("memdisk", Real("syslinux-common", "/usr/lib/syslinux/memdisk"),
             NOTHING, r"\[bzImage\]\nMEMDISK \d"),
    BootFile("menu.c32", Real(
        "syslinux-common", "/usr/lib/syslinux/modules/bios/menu.c32"),
        NOTHING),
    BootFile("GRUB's pxeboot.img", Real(
        "grub-pc-bin", "/usr/lib/grub/i386-pc/pxeboot.img"), NOTHING),
    BootFile("GRUB's boot.img", Real(
        "grub-pc-bin", "/usr/lib/grub/i386-pc/boot.img"), NOTHING),
    BootFile("GRUB's kernel.img", Real(
        "grub-efi-amd64-bin", "/usr/lib/grub/x86_64-efi/kernel.img"), NOTHING),
    BootFile("Memtest86+", Real("memtest86+", "/boot/memtest86+x64.bin"),
             NOTHING),
    BootFile("busybox", Real("busybox-static", "/bin/busybox"), NOTHING,
             REFUSES),
]

ALL = [*SCRIPTS, *NEARLY_SCRIPTS, *TEXTS, *PROGRAMS, *OTHERS, *REAL]
EACH = pytest.mark.parametrize("file", ALL, ids=lambda file: file.name)
BOOTED = pytest.mark.parametrize(
    "file", [file for file in ALL if file.shows], ids=lambda file: file.name)
