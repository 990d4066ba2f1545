# SPDX-License-Identifier: MIT
"""What the tests with real DHCP servers begin with."""
import os
import re
import shutil
import subprocess

import pytest

import place
from dhcp_servers import SERVERS, Router, Tftp
from network import BRIDGE, Network, hardware_address, ip
from pages import block

ONE = 31  # the one that the pages speak of
OTHER = 32  # not a machine but the interface of a DHCP client
# GRUB and PXELINUX begin with the same TCP port at each boot, and the web
# server holds the connection of one that was switched off: each test with
# them has a machine of its own.
MACHINES = range(31, 60)
TFTP_ROOT = "/srv/tftp"

# Where the blocks stand.
IPXE_ROM = "ipxe.md", "iPXE in the ROM"
IPXE_IDENTIFIED = "ipxe.md", "By MAC address and UUID"
OTHER_ROM = "ipxe.md", "A ROM that is not iPXE"
HTTP_BOOT = "uefi-http-boot.md", "Give the firmware the URL"
IPXE_FIRST = "uefi-http-boot.md", "iPXE first"
TWO_KINDS = "uefi-http-boot.md", "ARM machines beside others"
GRUB_HTTP = "grub.md", "By UEFI HTTP Boot, from /redirect"
GRUB_TFTP = "grub.md", "By TFTP, from grub.cfg-HEXIP"
PXELINUX = "pxelinux.md", "By TFTP, the rest by HTTP"

each_server = pytest.mark.parametrize("server_class", SERVERS,
                                      ids=lambda one: one.kind)


@pytest.fixture
def asking(network):
    """An interface on the network for a DHCP client of this system. It also
    lets the bridge have a carrier, without which Kea does not listen."""
    ip("link", "add", "asks", "address", hardware_address(OTHER), "type",
       "veth", "peer", "name", "asked")
    ip("link", "set", "asked", "master", BRIDGE)
    for name in "asked", "asks":
        ip("link", "set", name, "up")
    yield "asks"
    ip("link", "delete", "asks")


@pytest.fixture
def tftp_root():
    os.mkdir(TFTP_ROOT)
    yield
    shutil.rmtree(TFTP_ROOT)


@pytest.fixture
def router(network, asking, directory):
    router = Router(directory, [])
    yield
    router.stop()


@pytest.fixture
def serve(network, asking, tftp_root, directory):
    """Starts a server with what a section of a page says for it."""
    started = []

    def start(server_class, section, numbers=MACHINES):
        text = block(*section, server_class.kind)
        started.append(server_class(directory, numbers, text))
        if "next-server" in text:
            # The page leaves TFTP to another program.
            dnsmasq = block(*section, "dnsmasq")
            started.append(Tftp(
                directory, re.search("^tftp-root=(.*)", dnsmasq, re.M)[1]))

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def offered(asking, directory):
    """Asks for an address, with these options; the lease's variables."""
    script = os.path.join(directory, "says")
    with open(script, "w") as file:
        file.write("#!/bin/sh\n[ $1 != bound ] || env\n")
    os.chmod(script, 0o755)

    def ask(vendor=None, options=()):
        done = subprocess.run(
            ["busybox", "udhcpc", "-f", "-q", "-n", "-i", asking, "-s", script,
             "-O", "bootfile", "-O", "tftp", "-O", "vendor",
             *(["-V", vendor] if vendor else []),
             *(word for option in options for word in ("-x", option))],
            capture_output=True, text=True, timeout=place.PATIENCE)
        assert done.returncode == 0, done.stderr
        said = dict(line.split("=", 1) for line in done.stdout.splitlines()
                    if "=" in line)
        assert said["ip"] == Network.address(OTHER), done.stdout
        return said
    return ask
