# SPDX-License-Identifier: MIT
"""A machine that boots from the network, and what it shows on its console."""
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

import place
from network import hardware_address

COLUMNS = 80
# Each of its first three groups would be another one with its bytes turned.
UUID = "8f1c6a52-3b0e-4d7a-9c55-525400770011"
# Where Debian 12 has QEMU's ROMs, and where Debian 13 has them.
IPXE_EFI_ROM = next(
    (path for path in ("/usr/lib/ipxe/qemu/efi-virtio.rom",
                       "/usr/share/qemu/efi-virtio.rom")
     if os.path.exists(path)), "")
needs_ipxe_under_uefi = pytest.mark.skipif(
    not IPXE_EFI_ROM.startswith("/usr/lib/ipxe/"),
    reason="Debian 13's ROM of QEMU does not start iPXE under UEFI")
# Code and variables: of x86-64, and of arm64.
OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
AAVMF = "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"


def _without_escapes(raw):
    text = raw.decode("utf-8", "replace")
    text = re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1bc|\0", "",
                  text)
    return text


def _as_shown(line):
    """What stands in a line after all returns and backspaces."""
    shown, at = [], 0
    for character in line:
        if character in "\b\r":
            at = max(0, at - 1) if character == "\b" else 0
            continue
        shown[at:at + 1] = [character]
        at += 1
    return "".join(shown)


def as_text(raw, columns):
    """The console as lines, those joined again that it broke at its edge."""
    joined, whole = [], True
    for line in map(_as_shown, _without_escapes(raw).split("\n")):
        if whole:
            joined.append(line)
        else:
            joined[-1] += line
        whole = not columns or len(line) != columns
    return "\n".join(line.rstrip() for line in joined)


class Machine:
    """Starts at once. Used in a with statement, it is switched off at its
    end."""

    emulator = "qemu-system-x86_64"
    columns = 0  # where its console breaks lines; 0: nowhere
    memory = 256  # MiB

    def __init__(self, network, number, directory):
        self.number = number
        self.path = os.path.join(directory, f"console-{number}.txt")
        self.directory = directory
        self.raw = bytearray()
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [self.emulator, "-nodefaults", "-no-user-config",
             "-display", "none", "-monitor", "none", "-serial", "stdio",
             "-no-reboot", "-netdev",
             f"tap,id=n0,ifname={network.add_tap()},script=no,downscript=no",
             *self.options()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=place.clean_env())
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def options(self):
        raise NotImplementedError

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            with self.changed:
                self.raw += piece
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def text(self):
        with self.changed:
            return as_text(bytes(self.raw), self.columns)

    def shows(self, pattern, within=60):
        """Waits until its console shows this; seconds."""
        limit = time.monotonic() + within
        while True:
            text = self.text()
            if found := re.search(pattern, text, re.MULTILINE):
                return found
            left = limit - time.monotonic()
            assert left > 0 and self.process.poll() is None, (
                f"machine {self.number} does not show {pattern!r}:\n"
                + text[-3000:])
            with self.changed:
                self.changed.wait(min(left, 0.5))

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def switch_off(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(place.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        with open(self.path, "a") as file:
            file.write(self.text() + "\n----\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.switch_off()


class WithIpxe:
    def boots(self):
        """Without the two seconds in which it waits for Ctrl-B."""
        try:
            self.shows("Features:")
        except AssertionError:
            self.switch_off()
            raise
        self.type("\n")
        return self


class Ipxe(WithIpxe, Machine):
    """A PC BIOS with iPXE in the ROM of its network card."""

    columns = COLUMNS
    memory = 128

    def options(self):
        return ["-M", "pc,accel=tcg,graphics=off", "-m", str(self.memory),
                "-boot", "n,reboot-timeout=500",
                "-device", "virtio-net-pci,netdev=n0,mac="
                + hardware_address(self.number)]


class WithUuid:
    """Its board has a UUID; the others have zeros."""

    def options(self):
        return [*super().options(), "-uuid", UUID.upper()]


class Uefi(Machine):
    """UEFI firmware that boots by HTTP itself, without iPXE."""

    machine = ["-M", "q35,accel=tcg"]
    firmware = OVMF
    rom = ""
    pxe = "n"  # whether it tries the older way, PXE with TFTP, before

    def options(self):
        code, variables = self.firmware
        own = os.path.join(self.directory, f"variables-{self.number}.fd")
        shutil.copy(variables, own)
        flash = "if=pflash,format=raw,unit="
        support = "name=opt/org.tianocore/{}PXESupport,string={}"
        return [*self.machine, "-m", str(self.memory),
                "-drive", f"{flash}0,readonly=on,file={code}",
                "-drive", f"{flash}1,file={own}",
                # Newer firmware has no network without random numbers.
                "-device", "virtio-rng-pci",
                "-device", f"virtio-net-pci,netdev=n0,romfile={self.rom},"
                f"bootindex=0,mac={hardware_address(self.number)}",
                "-fw_cfg", support.format("IPv4", self.pxe),
                "-fw_cfg", support.format("IPv6", "n")]


class UefiArm64(Uefi):
    """The same on a machine with an ARM 64-bit processor."""

    emulator = "qemu-system-aarch64"
    # Its firmware takes random numbers from the processor alone. Without the
    # property each call and return of the emulated one takes its time.
    machine = ["-M", "virt,accel=tcg", "-cpu", "max,pauth-impdef=on"]
    firmware = AAVMF


class UefiPxe(Uefi):
    """UEFI firmware that boots by PXE: its boot file comes by TFTP."""

    pxe = "y"


class UefiArm64Pxe(UefiArm64):
    """The same, by PXE."""

    pxe = "y"


class IpxeUefi(WithIpxe, Uefi):
    """UEFI with iPXE in the ROM of the network card."""

    rom = IPXE_EFI_ROM
