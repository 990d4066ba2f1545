# SPDX-License-Identifier: MIT
"""Scripts for installers, up to the kernel: its command line, and that the URL
in it gets the answers."""
import os
import re
import shutil

import pytest

import ctl
import place
from machine import IPXE_EFI_ROM, Ipxe
from network import PORT, Network, hardware_address
from standin import Installer, kernel  # noqa: F401

ONE = 31
pytestmark = pytest.mark.long
SERIAL = "console=ttyS0,115200"
# What the example tree and pxesrvctl make of the DHCP filename.
# By the filename that DHCP gives; or by cwduri, where iPXE knows that.
BASE = f"http://{Network.server}:{PORT}/" + (
    "redirect/../" if IPXE_EFI_ROM.startswith("/usr/lib/ipxe/") else "")
BOOTIF = "BOOTIF=01-" + hardware_address(ONE).replace(":", "-")


def add(tree, paths, *names):
    for path, name in zip(paths, names):
        tree.add(name, "")
        shutil.copy(path, tree.full(name))


def read(name):
    with open(os.path.join(place.SOURCE, "public", name)) as file:
        return file.read()


def boots(network, directory):
    with Installer(network, ONE, directory) as machine:
        return machine.boots().handed_over()


def served(tree, network):
    return tree.link(f"once/.served/{network.address(ONE)}")


def test_what_kickstart_prints(
        server, tree, network, directory, kernel):  # noqa: F811
    network.serve_dhcp([ONE], network.for_ipxe())
    add(tree, kernel, "rocky/9/images/pxeboot/vmlinuz",
        "rocky/9/images/pxeboot/initrd.img")
    tree.make({"rocky/9/ks.cfg": "text\n# of this test\n",
               "rocky/boot": ctl.good("kickstart", "--repo", "rocky/9",
                                      "--cmdline", SERIAL,
                                      "rocky/9/ks.cfg").out})
    ctl.good("once", network.address(ONE), "rocky/boot")
    assert boots(network, directory) == (
        f"initrd=initrd.img inst.repo={BASE}rocky/9 "
        f"inst.ks={BASE}rocky/9/ks.cfg inst.text {BOOTIF} {SERIAL}",
        [network.address(ONE)], ["text", "# of this test"])
    assert served(tree, network) == "../rocky/boot"


def test_what_preseed_prints(
        server, tree, network, directory, kernel):  # noqa: F811
    network.serve_dhcp([ONE], network.for_ipxe())
    add(tree, kernel, "debian/linux", "debian/initrd.gz")
    tree.make({"debian/preseed.cfg": "#_preseed_V1\n",
               "debian/boot": ctl.good("preseed", "--repo", "debian",
                                       "--cmdline", SERIAL,
                                       "debian/preseed.cfg").out})
    ctl.good("once", network.address(ONE), "debian/boot")
    assert boots(network, directory) == (
        "initrd=initrd.gz interface=auto auto=true priority=critical "
        f"url={BASE}debian/preseed.cfg netcfg/no_default_route=true "
        f"netcfg/get_nameservers= {BOOTIF} {SERIAL}",
        [network.address(ONE)], ["#_preseed_V1"])
    assert served(tree, network) == "../debian/boot"


@pytest.mark.parametrize("example", [
    "centos/10-stream/default", "centos/9-stream/default", "rocky/10/default",
    "rocky/9/default"])
def test_the_examples(
        server, tree, network, directory, kernel, example):  # noqa: F811
    """With the changes that their comments ask for."""
    repo = network.url("repo/BaseOS")
    network.serve_dhcp([ONE], network.for_ipxe())
    add(tree, kernel, "repo/BaseOS/images/pxeboot/vmlinuz",
        "repo/BaseOS/images/pxeboot/initrd.img")
    script, changes = re.subn(r"^set repo \S+$", f"set repo {repo}",
                              read(example), flags=re.MULTILINE)
    # The console, without which there is nothing to be seen.
    script, arguments = re.subn("^imgargs .*$", rf"\g<0> {SERIAL}", script,
                                flags=re.MULTILINE)
    assert changes == arguments == 1
    kickstart = "centos/10-stream/kickstart.cfg" if "/10" in example else \
        "centos/9-stream/kickstart.cfg"
    answers = read(kickstart)
    tree.make({example: script, kickstart: answers})
    ctl.good("once", network.address(ONE), example)
    line, address, fetched = boots(network, directory)
    assert " ".join(line.split()) == (
        f"initrd=initrd.img inst.repo={repo} "
        f"inst.ks={BASE}{kickstart} inst.text {BOOTIF} {SERIAL}")
    assert address == [network.address(ONE)]
    assert fetched == answers.splitlines()
    assert served(tree, network) == f"../{example}"


def test_no_repository_is_no_boot(server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"rocky/9/ks.cfg": "text\n",
               "rocky/boot": ctl.good("kickstart", "--repo", "rocky/9",
                                      "rocky/9/ks.cfg").out})
    ctl.good("once", network.address(ONE), "rocky/boot")
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows("^FAILED: .*/rocky/9/images/pxeboot/vmlinuz cannot be")
        machine.shows("^Press a key to go on")
        machine.type("\n")
        machine.shows("No bootable device")
