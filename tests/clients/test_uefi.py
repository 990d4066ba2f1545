# SPDX-License-Identifier: MIT
"""UEFI HTTP Boot: the firmware's own, without iPXE."""
import pytest

import ctl
import grub
from conftest import NGINX_LIGHTTPD
from machine import Uefi, UefiArm64, UefiArm64Pxe
from place import until

ONE = 21


def boots_twice(kind, grubs, architecture, server, tree, network, directory):
    """By a once link, then by the static one; each is asked for by HEAD, GET."""
    network.serve_dhcp([ONE], network.for_http_boot())
    tree.make({"os/default.efi": "", "os/once.efi": ""})
    for mark in ("default", "once"):
        grub.make_program(tree.full(f"os/{mark}.efi"), directory,
                          f"echo SAYS-{mark}-END", "sleep 60", kind=grubs)
    ctl.good("static", network.address(ONE), "os/default.efi")
    ctl.good("once", network.address(ONE), "os/once.efi")
    for mark in ("once", "default"):
        with kind(network, ONE, directory) as machine:
            machine.shows(f"SAYS-{mark}-END", within=120)
    assert f"HTTPClient:Arch:{architecture}:" in network.dhcp.messages()
    until(lambda: tree.link(f"once/.served/{network.address(ONE)}"), "it is served")
    assert server.decided(4) == [
        ("HEAD", "200", "once os/once.efi"), ("GET", "200", "once os/once.efi"),
        ("HEAD", "200", "static os/default.efi"),
        ("GET", "200", "static os/default.efi")]


@NGINX_LIGHTTPD
def test_http_boot_uses_a_link_up_by_get_alone(
        server, tree, network, directory):
    boots_twice(Uefi, "x86_64-efi", "00016", server, tree, network, directory)


@pytest.mark.long
@grub.needs_arm64
def test_http_boot_of_an_arm64_machine(server, tree, network, directory):
    boots_twice(UefiArm64, "arm64-efi", "00019", server, tree, network,
                directory)


@pytest.mark.long
def test_what_an_arm64_machine_says_by_pxe(network, directory):
    network.serve_dhcp([ONE], [])
    with UefiArm64Pxe(network, ONE, directory) as machine:
        machine.shows("Start PXE over IPv4", within=120)
        until(lambda: "PXEClient:Arch:00011:" in network.dhcp.messages(),
              "its vendor class")
