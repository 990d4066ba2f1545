# SPDX-License-Identifier: MIT
"""UEFI HTTP Boot: the firmware's own, without iPXE."""
import ctl
import grub
from conftest import NGINX_LIGHTTPD
from machine import Uefi
from place import until

ONE = 21


@NGINX_LIGHTTPD
def test_http_boot_uses_a_link_up_by_get_alone(
        server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_http_boot())
    tree.make({"os/default.efi": "", "os/once.efi": ""})
    for mark in ("default", "once"):
        grub.make_program(tree.full(f"os/{mark}.efi"), directory,
                          f"echo SAYS-{mark}-END", "sleep 60")
    ctl.good("static", network.address(ONE), "os/default.efi")
    ctl.good("once", network.address(ONE), "os/once.efi")
    for mark in ("once", "default"):
        with Uefi(network, ONE, directory) as machine:
            machine.shows(f"SAYS-{mark}-END", within=120)
    until(lambda: tree.link(f"once/.served/{network.address(ONE)}"), "it is served")
    assert server.decided(4) == [
        ("HEAD", "200", "once os/once.efi"), ("GET", "200", "once os/once.efi"),
        ("HEAD", "200", "static os/default.efi"),
        ("GET", "200", "static os/default.efi")]
