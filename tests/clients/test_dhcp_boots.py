# SPDX-License-Identifier: MIT
"""Firmware that boots by the DHCP servers, with what docs/ says for them. What
it asks for must be what the page shows."""
import os
import re

import pytest

import ctl
import grub
import place
from dhcp_fixtures import *  # noqa: F401, F403
from dhcp_fixtures import (
    GRUB_HTTP, GRUB_TFTP, HTTP_BOOT, IPXE_FIRST, IPXE_ROM, ONE, OTHER_ROM,
    PXELINUX, TWO_KINDS, each_server)
from dhcp_servers import SERVERS, Dnsmasq
from machine import (
    Ipxe, IpxeUefi, Uefi, UefiArm64, UefiPxe, needs_ipxe_under_uefi)
from network import Network
from pages import block, blocks, run_commands
from place import until
from saying import script

pytestmark = pytest.mark.long
URL = f"http://{Network.server}:4567/redirect"


def requests(log):
    """What was asked for, the status and the decision of each."""
    return re.findall(r'"(\w+ \S+ HTTP/[^"]*)" (\d+) \d+ \S+ (.*)', log)


def check_requests(server, page):
    """What the page shows, of one version of the firmware or of another."""
    expected = [requests(one) for one in blocks(page, "What it asks", "log")]
    assert expected and [] not in expected

    def asked():
        with open(place.LOG) as file:
            return requests(file.read())
    until(lambda: asked() in expected, f"{expected}, not {asked()}")


@each_server
def test_ipxe_in_the_rom(router, serve, server, tree, network, directory,
                         server_class):
    serve(server_class, IPXE_ROM)
    tree.make({"default": script("default")})
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows(f"^{URL}[.]+ ok$")
        machine.shows("SAYS-default-END")
    check_requests(server, "ipxe.md")


@needs_ipxe_under_uefi
def test_ipxe_in_the_rom_of_uefi(router, serve, server, tree, network,
                                 directory):
    serve(Dnsmasq, IPXE_ROM)
    tree.make({"default": script("default")})
    with IpxeUefi(network, ONE, directory) as machine:
        machine.shows(f"^{URL}[.]+ ok$")
        machine.shows("SAYS-default-END")
    check_requests(server, "ipxe.md")


@each_server
def test_a_rom_that_is_not_ipxe(router, serve, server, tree, network,
                                directory, server_class):
    serve(server_class, OTHER_ROM)
    run_commands(OTHER_ROM, directory)
    tree.make({"default": script("default")})
    with UefiPxe(network, ONE, directory) as machine:
        machine.shows("NBP filename is snponly.efi")
        machine.shows(f"^{URL}[.]+ ok$")
        machine.shows("SAYS-default-END")
    check_requests(server, "ipxe.md")


def test_undionly_on_a_bios(router, serve, server, tree, network, directory):
    """QEMU has no BIOS ROM but iPXE, which gets the URL at once. So its first
    script loads what another ROM would."""
    serve(Dnsmasq, OTHER_ROM)
    run_commands(OTHER_ROM, directory)
    tree.make({"default": script("default"), "os/undi":
               f"#!ipxe\nchain tftp://{Network.server}/undionly.kpxe\n"})
    ctl.good("once", network.address(ONE), "os/undi")
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows("net0: .* using undionly on")
        machine.shows("SAYS-default-END")


@each_server
def test_uefi_http_boot(serve, server, tree, network, directory,
                        server_class):
    serve(server_class, HTTP_BOOT)
    tree.make({"os/boot.efi": ""})
    grub.make_program(tree.full("os/boot.efi"), directory,
                      "echo SAYS-static-END", "sleep 60")
    run_commands(HTTP_BOOT, directory)
    with Uefi(network, ONE, directory) as machine:
        machine.shows(f"URI: {URL}$")
        machine.shows("SAYS-static-END")
    check_requests(server, "uefi-http-boot.md")


def test_uefi_http_boot_refuses(serve, server, tree, network, directory):
    """It asks for what it won't take, and so uses the link up; see the page."""
    serve(Dnsmasq, HTTP_BOOT)
    tree.make({"os/script": script("once")})
    for target, served in ("script", True), ("nowhere.efi", False):
        tree.arm(network.address(ONE), f"../os/{target}")
        with Uefi(network, ONE, directory) as machine:
            machine.shows("Could not retrieve NBP file size from HTTP server")
            machine.shows("Unexpected network error")
            assert ("404 Not Found" in machine.text()) is not served
        until(lambda: (tree.link(f"once/{network.address(ONE)}") is None) is served,
              "the link is where it should be")
    with open(place.LOG) as file:
        said = requests(file.read())
    assert [(request.split()[0], status) for request, status, _ in said] == [
        ("HEAD", "200"), ("GET", "200"), ("HEAD", "404"), ("GET", "404")]


@each_server
def test_uefi_http_boot_of_ipxe(router, serve, server, tree, network,
                                directory, server_class):
    serve(server_class, IPXE_FIRST)
    run_commands(IPXE_FIRST, directory)
    tree.make({"default": script("default")})
    with Uefi(network, ONE, directory) as machine:
        machine.shows(f"URI: http://{Network.server}:4567/snponly.efi$")
        machine.shows("SAYS-default-END")
    check_requests(server, "ipxe.md")


@pytest.mark.parametrize("number, server_class",
                         list(enumerate(SERVERS, 41)))
def test_grub_asks_redirect(serve, server, tree, network, directory, number,
                            server_class):
    serve(server_class, GRUB_HTTP)
    with open(os.path.join(directory, "embedded.cfg"), "w") as file:
        file.write(block(*GRUB_HTTP, "grub"))
    run_commands(GRUB_HTTP, directory)
    tree.make({"os/once": "echo SAYS-once-END\nsleep 60\n"})
    tree.arm(network.address(number), "../os/once")
    with Uefi(network, number, directory) as machine:
        machine.shows("SAYS-once-END")
    check_requests(server, "grub.md")


@grub.needs_arm64
@pytest.mark.parametrize("number, server_class",
                         list(enumerate(SERVERS, 50)))
def test_grub_of_an_arm64_machine_asks_redirect(
        serve, server, tree, network, directory, number, server_class):
    serve(server_class, TWO_KINDS)
    with open(os.path.join(directory, "embedded.cfg"), "w") as file:
        file.write(block(*GRUB_HTTP, "grub"))
    os.symlink(grub.ARM64, os.path.join(directory, "arm64"))
    run_commands(TWO_KINDS, directory)
    tree.make({"os/once": "echo SAYS-once-END\nsleep 60\n"})
    tree.arm(network.address(number), "../os/once")
    with UefiArm64(network, number, directory) as machine:
        machine.shows("SAYS-once-END", within=120)
    until(lambda: tree.link(f"once/.served/{network.address(number)}"),
          "it is served")
    # GRUB 2.12 asks by HEAD before, 2.06 does not.
    with open(place.LOG) as file:
        assert [one for one in requests(file.read())
                if not one[0].startswith("HEAD ")] == [
            ("GET /redirect HTTP/1.1", "200", "once os/once")]


@pytest.mark.parametrize("number, server_class",
                         list(enumerate(SERVERS, 44)))
def test_grub_clears_its_file(serve, server, tree, network, directory, number,
                              server_class):
    serve(server_class, GRUB_TFTP)
    run_commands(GRUB_TFTP, directory)
    own = f"grub/12/grub.cfg-0A4D00{number:02X}"
    tree.make({own: block(*GRUB_TFTP, "grub") + "sleep 60\n",
               "grub/12/grub.cfg": "echo SAYS-all-END\nsleep 60\n"})
    os.chown(tree.full("grub/12"), *place.OWNER)
    with UefiPxe(network, number, directory) as machine:
        machine.shows(f"^Delete {own}$")
    assert not os.path.exists(tree.full(own))
    with UefiPxe(network, number, directory) as machine:
        machine.shows("SAYS-all-END")


@pytest.mark.parametrize("number, server_class",
                         list(enumerate(SERVERS, 47)))
def test_pxelinux_asks_redirect(router, serve, server, tree, network,
                                directory, number, server_class):
    serve(server_class, PXELINUX)
    run_commands(PXELINUX, directory)
    tree.make({"os/once": "PROMPT 1\nSAY SAYS-once-END\nDEFAULT one\n"
                          "LABEL one\n  KERNEL os/linux\n"})
    tree.arm(network.address(number), "../os/once")
    with Ipxe(network, number, directory).boots() as machine:
        machine.shows("SAYS-once-END")
    check_requests(server, "pxelinux.md")
