# SPDX-License-Identifier: MIT
"""Debian's own installer, from the example tree.

The network is an isolated one: it has no router and no name server, and of a
mirror what an installer reads before it loads its first module. There it has
to ask, so it must not have asked before."""
import glob
import os
import platform
import re
import shutil
import time

import checkout
import ctl
import place
import pytest
from dhcp_fixtures import IPXE_IDENTIFIED
from machine import UUID, Ipxe, WithUuid
from network import Pool, hardware_address
from pages import block
from place import until
from saying import boot, script
from terminal import Terminal
from waiting import CLOCK

ONE, TWO = 31, 32
# This machine's release: its own package of the installer, and its mirror.
IMAGES = "".join(glob.glob("/usr/lib/debian-installer/images/*/amd64/text/"
                           "debian-installer/amd64")[-1:])
MIRROR = os.path.join(place.SOURCE, "build", "debian-mirror")
RELEASE = platform.freedesktop_os_release()
EXAMPLE = "debian/" + RELEASE.get("VERSION_ID", "")
SUITE = "dists/" + RELEASE.get("VERSION_CODENAME", "")
DISTS = "debian/" + SUITE
NETBOOT = (f"{DISTS}/main/installer-amd64/current/images/netboot/"
           "debian-installer/amd64")
# Its plain dialogues, on a serial line.
ARGS = "console=ttyS0,115200 DEBIAN_FRONTEND=text"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFor0the0test0alone"
SECONDS = 600  # that an installer may take; it takes two minutes
# Not at the beginning of a line: the installer runs in screen, whose status
# line comes between.
QUESTION = "Prompt: '"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not IMAGES,
                       reason="Debian's installer is not installed"),
    pytest.mark.skipif(not os.path.isdir(place.SOURCE + "/public/" + EXAMPLE),
                       reason="the example tree has not this Debian"),
    pytest.mark.skipif(not os.path.exists(MIRROR + "/dists"),
                       reason="apt knows no mirror of this Debian, or has "
                              "not reached it")]


class Disk:
    """An empty one for an installer to erase. It keeps what is written to it."""

    memory = 1024  # for the installer
    devices = ["-device", "virtio-blk-pci,drive=disk"]

    def options(self):
        self.disk = os.path.join(self.directory, f"disk-{self.number}")
        with open(self.disk, "ab") as file:
            file.truncate(2 << 30)
        return [*super().options(), "-drive",
                f"id=disk,if=none,format=raw,file={self.disk}", *self.devices]

    def is_untouched(self):
        return os.stat(self.disk).st_blocks == 0


class UsbDisk(Disk):
    """The installer's initrd.gz has the modules for it."""

    devices = ["-device", "qemu-xhci", "-device", "usb-storage,drive=disk"]


class Pc(WithUuid, Disk, Ipxe):
    pass


class PcByUuid(WithUuid, UsbDisk, Ipxe):
    pass


class PcByMac(UsbDisk, Ipxe):
    pass


def change(tree, name, *changes):
    """What an administrator does with an editor: each line must be there."""
    with open(tree.full(name)) as file:
        text = file.read()
    for old, new in changes:
        assert text.count(old) == 1, (name, old)
        text = text.replace(old, new)
    with open(tree.full(name), "w") as file:
        file.write(text)


@pytest.fixture
def example(server, tree):
    """The tree that is shipped, and the mirror beside it."""
    checkout.copy_public(tree.path)
    shutil.copytree(MIRROR, tree.full("debian"), dirs_exist_ok=True)
    return tree


def put_images(tree, name):
    os.makedirs(tree.full(name), exist_ok=True)
    for image in ("linux", "initrd.gz"):
        shutil.copy(os.path.join(IMAGES, image), tree.full(name))


def asked_by_the_installer(server):
    """Path and status of each of its requests, as the web server tells."""
    with open(server.access_log) as file:
        return re.findall(
            r'"GET /(\S+) HTTP/1.1" (\d+) \d+ "-" "debian-installer"',
            file.read())


@pytest.mark.skipif(not os.path.exists(f"{MIRROR}/{SUITE}/Release.gpg"),
                    reason="the mirror that apt knows has no good signature now")
def test_it_goes_on_without_a_question(server, example, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    put_images(example, EXAMPLE)
    change(example, EXAMPLE + "/default",
           ("set mirror-host mirror.example.org",
            f"set mirror-host {network.url('').split('/')[2]}"),
           ("#set args console=ttyS0,115200", f"set args {ARGS}"))
    change(example, EXAMPLE + "/preseed.cfg",
           ("ssh-ed25519 CHANGE-ME", KEY))
    ctl.good("once", network.address(ONE), EXAMPLE + "/default")
    with Pc(network, ONE, directory).boots() as machine:
        machine.shows(QUESTION, SECONDS)
        said = machine.text()
    # The one question is about the first module, which this mirror has not.
    before, _, after = said.partition("Download installer components")
    assert "Downloading a file failed:" in after, said[-3000:]
    assert QUESTION not in before and "ERROR" not in before, before[-3000:]
    # It takes the lists only when the signature of Release is a good one.
    lists = [f"{DISTS}/{component}/debian-installer/binary-amd64/Packages.xz"
             for component in ("main", "contrib", "non-free-firmware",
                               "non-free")]
    *before, (path, status) = asked_by_the_installer(server)
    assert before == [(path, "200") for path in (
        EXAMPLE + "/preseed.cfg", f"{DISTS}/Release", f"{DISTS}/Release.gpg",
        *lists)]
    assert re.fullmatch(r"debian/pool/main/\S+\.udeb", path) and status == "404"
    # The next boot of this machine is none of the installer.
    with Pc(network, ONE, directory).boots() as machine:
        machine.shows(rf"Network boot: {re.escape(network.address(ONE))} ")
    example.add("disk/boot", script("disk"))
    ctl.good("static", network.address(ONE), "disk/boot")
    boot(network, ONE, directory, "disk")
    assert server.decided(3) == [
        ("GET", "200", f"once {EXAMPLE}/default"),
        ("GET", "200", "default default"), ("GET", "200", "static disk/boot")]


# What an installer of this mirror can install: a boot sector that has the BIOS
# show a text.
INSTALLED = (b"\xfc\x31\xc0\x8e\xd8\xbe\x16\x7c"  # cld; ds = 0; si = the text
             b"\xac\x84\xc0\x74\xfe"  # lodsb; at its end: stay here
             b"\xb4\x0e\xbb\x07\x00\xcd\x10\xeb\xf2"  # int 0x10, again
             b"\r\nSAYS-installed-END\r\n\0").ljust(510, b"\0") + b"\x55\xaa"
INSTALLS = r"""#_preseed_V1
d-i preseed/early_command string \
    for i in $(seq 60); do test -b /dev/sda || sleep 1; done; \
    wget -qO /dev/sda URL && sync && DONE \
    reboot
"""


def put_answers(example, network):
    """The last step is that of the example tree."""
    with open(example.full(EXAMPLE + "/preseed.cfg")) as file:
        [says_done] = re.findall(r"{ \\\n(?:.*\\\n)*.*}done\?.*; }$",
                                 file.read(), re.MULTILINE)
    example.add("os/disk", INSTALLED)
    example.add(EXAMPLE + "/preseed.cfg", INSTALLS.replace(
        "URL", network.url("os/disk")).replace("DONE", says_done + ";"))


def installs(kind, network, number, directory):
    """It ends with its own reboot, and then boots from its disk by the menu."""
    with kind(network, number, directory).boots() as machine:
        until(lambda: machine.process.poll() == 0, "its reboot", SECONDS)
        machine.shows("Kernel command line: ")
    with kind(network, number, directory).boots() as machine:
        machine.shows(r"Network boot: 10\.77\.0\.20\d ")
        machine.shows("SAYS-installed-END", within=120)


@pytest.mark.parametrize("settings", [["PXESRV_IDENTIFY"]], ids=["by-uuid"])
def test_it_comes_back_until_it_is_done(server, example, network, directory):
    """Two machines, of which one is cut off, while pxesrvctl waits for them.

    This mirror has no modules for a whole installation. The installer writes the
    first sector of the disk, and says that it is done as at the end of its
    late_command."""
    put_images(example, EXAMPLE)
    change(example, EXAMPLE + "/default",
           ("#set pxesrv http://boot.example.org/",
            f"set pxesrv {network.url('')}"),
           ("#set args console=ttyS0,115200", f"set args {ARGS}"))
    put_answers(example, network)
    # iPXE and Linux have it each from the firmware.
    identify = {"PXESRV_IDENTIFY": "mac,uuid"}
    mac = hardware_address(TWO)
    ctl.good("until", UUID, mac, EXAMPLE + "/default", env=identify)
    then = time.time() - 3600
    os.utime(example.full(f"until/{UUID}"), (then, then), follow_symlinks=False)
    lines = block(*IPXE_IDENTIFIED, "dnsmasq").split()
    done = rf": \x1b\[32mdone\x1b\[0m {EXAMPLE}/default at {CLOCK}\r\n"
    with Terminal(120, "wait", "--timeout", "2h", UUID, mac,
                  env=identify) as wait:
        wait.shows(rf"\r\[-{{20}}\] 0/2, {UUID} waits for 60 min, "
                   r"\d+ (min|h) left\x1b\[K")
        network.serve_dhcp(Pool(101, 109), lines)
        with PcByUuid(network, ONE, directory).boots() as machine:
            machine.shows("Kernel command line: ", SECONDS)
        network.serve_dhcp(Pool(201, 209), lines)
        assert example.is_there(f"until/{UUID}")
        installs(PcByUuid, network, ONE, directory)
        wait.shows(UUID + done)
        wait.shows(rf"\r\[#{{10}}-{{10}}\] 1/2, {mac} waits for \d+ (s|min), "
                   r"\d+ (min|h) left\x1b\[K")
        installs(PcByMac, network, TWO, directory)
        wait.shows(mac + done)
        assert wait.end() == 0
    assert not any(example.is_there(f"until/{one}") for one in (UUID, mac))
    # iPXE says zeros, and Linux does not know it.
    zeros = " (uuid is shared by many boards: ignored)"
    by_uuid = "GET", "200", f"until {EXAMPLE}/default {UUID}"
    assert server.decided(7) == [
        by_uuid, by_uuid, ("GET", "200", f"done until/{UUID}"),
        ("GET", "200", "default default"),
        ("GET", "200", f"until {EXAMPLE}/default {mac}{zeros}"),
        ("GET", "200", f"done until/{mac} (uuid is empty: ignored)"),
        ("GET", "200", f"default default{zeros}")]


def test_without_a_key_it_stops(server, example, network, directory):
    """As it is shipped; started by a script that pxesrvctl makes."""
    network.serve_dhcp([ONE], network.for_ipxe())
    put_images(example, NETBOOT)
    example.add(EXAMPLE + "/made", ctl.good(
        "preseed", "--repo", network.url(NETBOOT), "--cmdline", ARGS,
        EXAMPLE + "/preseed.cfg").out)
    ctl.good("once", network.address(ONE), EXAMPLE + "/made")
    with Pc(network, ONE, directory).boots() as machine:
        told = machine.shows("Kernel command line: (.*)\n", SECONDS)[1].split()
        machine.shows("PXESrv: preseed.cfg has no SSH key yet.", SECONDS)
        machine.shows("Nothing was changed on this machine", SECONDS)
        assert QUESTION not in machine.text()
        assert machine.is_untouched()
    host = network.url("").split("/")[2]
    assert {f"mirror/http/hostname={host}",
            "mirror/http/directory=/debian"} <= set(told)
    assert asked_by_the_installer(server) == [(EXAMPLE + "/preseed.cfg", "200")]
    assert server.decided(1) == [("GET", "200", f"once {EXAMPLE}/made")]
