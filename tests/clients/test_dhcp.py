# SPDX-License-Identifier: MIT
"""What docs/ says to put into DHCP servers, in those servers: to whom they
give the URL, and firmware that boots by it."""
import os
import re
import shutil
import subprocess

import pytest

import place
from dhcp_servers import SERVERS, TFTP_ROOT, Dnsmasq, Tftp
from machine import Ipxe, Uefi
from network import BRIDGE, SERVER, address, hardware_address, ip
from pages import block
from test_uefi import make_program
from tree import Link

ONE, OTHER = 31, 32
URL = f"http://{SERVER}:4567/redirect"
IPXE_ROM = "ipxe.md", "iPXE in the ROM"
OTHER_ROM = "ipxe.md", "A ROM that is not iPXE"
HTTP_BOOT = "uefi-http-boot.md", "Give the firmware the URL"
IPXE_FIRST = "uefi-http-boot.md", "iPXE first"
# Options of DHCP as udhcpc takes them: the architecture, and the user class.
BIOS, UEFI, UEFI_HTTP = "0x5d:0000", "0x5d:0007", "0x5d:0010"
IS_IPXE = "0x4d:" + b"iPXE".hex()

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
    for name in "snponly.efi", "undionly.kpxe":
        shutil.copy(f"/usr/lib/ipxe/{name}", TFTP_ROOT)
    yield
    shutil.rmtree(TFTP_ROOT)


@pytest.fixture
def serve(network, asking, directory):
    """Starts a server with what a page says for it."""
    started = []

    def start(server_class, *section):
        started.append(server_class(
            directory, [ONE, OTHER],
            *([block(*section, server_class.kind)] if section else [])))

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
        assert said["ip"] == address(OTHER), done.stdout
        return said
    return ask


def given_to(offered):
    """The file name that each kind of client is given."""
    clients = {
        "a system": offered(),
        "the Debian installer": offered("d-i"),
        "a BIOS": offered("PXEClient:Arch:00000:UNDI:002001", [BIOS]),
        "UEFI": offered("PXEClient:Arch:00007:UNDI:003001", [UEFI]),
        "HTTP Boot": offered("HTTPClient:Arch:00016:UNDI:003001",
                             [UEFI_HTTP]),
        "iPXE": offered("PXEClient:Arch:00000:UNDI:002001", [BIOS, IS_IPXE]),
        "iPXE on UEFI": offered("PXEClient:Arch:00007:UNDI:003001",
                                [UEFI, IS_IPXE]),
    }
    return {who: said.get("boot_file") or said.get("bootfile")
            for who, said in clients.items()
            if "boot_file" in said or "bootfile" in said}


@pytest.mark.parametrize("section, want", [
    (IPXE_ROM, {"iPXE": URL, "iPXE on UEFI": URL}),
    (OTHER_ROM, {"iPXE": URL, "iPXE on UEFI": URL, "a BIOS": "undionly.kpxe",
                 "UEFI": "snponly.efi"}),
    (HTTP_BOOT, {"HTTP Boot": URL}),
    (IPXE_FIRST, {"iPXE": URL, "iPXE on UEFI": URL,
                  "HTTP Boot": f"http://{SERVER}:4567/snponly.efi"}),
], ids=["ipxe", "other-rom", "http-boot", "ipxe-first"])
@each_server
def test_who_is_given_what(serve, offered, tftp_root, server_class,
                           section, want):
    """Nobody but those: an installer that is given the URL stops."""
    serve(server_class, *section)
    assert given_to(offered) == want


def script(mark):
    return (f"#!ipxe\necho SAYS-{mark}-END\n"
            "prompt --timeout 60000 Waiting.\n")


def requests():
    """What was asked for, the status and the decision of each."""
    with open(place.LOG) as file:
        return re.findall(r'"(\w+ \S+ [^"]*)" (\d+) \d+ \S+ (.*)',
                          file.read())


@each_server
def test_ipxe_in_the_rom(serve, server, tree, network, directory,
                         server_class):
    serve(server_class, *IPXE_ROM)
    tree.make({"default": script("default")})
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows(f"^{URL}[.]+ ok$")
        machine.shows("SAYS-default-END")
    assert requests() == [("GET /redirect HTTP/1.1", "200", "default default")]


@each_server
def test_uefi_http_boot(serve, server, tree, network, directory,
                        server_class):
    serve(server_class, *HTTP_BOOT)
    tree.make({"os/boot.efi": "", f"static/{address(ONE)}":
               Link("../os/boot.efi")})
    make_program(tree.full("os/boot.efi"), "static", directory)
    with Uefi(network, ONE, directory) as machine:
        machine.shows(f"URI: {URL}$")
        machine.shows("SAYS-static-END")
    assert requests() == [
        ("HEAD /redirect HTTP/1.1", "200", "static os/boot.efi"),
        ("GET /redirect HTTP/1.1", "200", "static os/boot.efi")]


@each_server
def test_uefi_http_boot_of_ipxe(serve, server, tree, network, directory,
                                server_class):
    serve(server_class, *IPXE_FIRST)
    tree.make({"default": script("default")})
    shutil.copy("/usr/lib/ipxe/snponly.efi", tree.full("snponly.efi"))
    with Uefi(network, ONE, directory) as machine:
        machine.shows("SAYS-default-END")
    assert requests() == [("GET /redirect HTTP/1.1", "200", "default default")]


class UefiPxe(Uefi):
    """UEFI firmware that boots by PXE, its own, which knows no HTTP."""

    def options(self):
        options = super().options()
        at = options.index("name=opt/org.tianocore/IPv4PXESupport,string=n")
        return options[:at - 1] + options[at + 1:]


@each_server
def test_a_rom_that_is_not_ipxe(tftp_root, serve, server, tree, network,
                                directory, server_class):
    serve(server_class, *OTHER_ROM)
    if server_class is not Dnsmasq:
        serve(Tftp)
    tree.make({"default": script("default")})
    with UefiPxe(network, ONE, directory) as machine:
        machine.shows("NBP filename is snponly.efi")
        machine.shows(f"^{URL}[.]+ ok$")
        machine.shows("SAYS-default-END")
    assert requests() == [("GET /redirect HTTP/1.1", "200", "default default")]
