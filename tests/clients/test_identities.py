# SPDX-License-Identifier: MIT
"""Machines that say who they are, whose address changes: the DHCP server
reserves none, and loses its leases. Subnets, links that expire, and installers
that fail."""
import itertools
import os
import re
import time

import pytest

import ctl
import grub
from dhcp_fixtures import *  # noqa: F401, F403
from dhcp_fixtures import IPXE_IDENTIFIED, each_server
from machine import (
    UUID, Ipxe, IpxeUefi, Uefi, WithUuid, needs_ipxe_under_uefi)
from network import Pool, hardware_address
from pages import block, line
from saying import boot, script
from tree import Directory

ONE = 61
# A machine for each boot of GRUB, which opens the same TCP port at each.
numbers = itertools.count(62)
MAC = hardware_address(ONE)
POOLS = Pool(101, 109), Pool(201, 209)
# As it stands in the shipped files.
EXPIRES = 86400

each_web_server = pytest.mark.parametrize(
    "server", ["nginx", *(pytest.param(name, marks=pytest.mark.long)
                          for name in ("lighttpd", "apache-cgi"))],
    indirect=True)

# Each of these boots takes seconds.
with_uefi = pytest.mark.parametrize(
    "server", [pytest.param(name, marks=pytest.mark.long)
               for name in ("nginx", "lighttpd")], indirect=True)


@pytest.fixture
def settings():
    return ["PXESRV_IDENTIFY", "PXESRV_ONCE_EXPIRES"]


class IpxeWithUuid(WithUuid, Ipxe):
    pass


class IpxeUefiWithUuid(WithUuid, IpxeUefi):
    pass


def give_out(network, pool, *more):
    """What the page has; without iPXE's wait for a proxy DHCP server."""
    network.serve_dhcp(pool, [
        *block(*IPXE_IDENTIFIED, "dnsmasq").split(),
        "dhcp-option-force=tag:ipxe,encap:175,176,1b", *more])


def arm(kind, *arguments):
    """What the operator does, who has the same settings."""
    ctl.good(kind, *arguments, env={"PXESRV_IDENTIFY": "mac,uuid"})


def askers(server):
    return [one.split()[0] for one in server.log()]


def decisions(server, count):
    return [decision for _, _, decision in server.decided(count)]


@each_web_server
def test_by_mac_address(server, tree, network, directory):
    """The card is known before it boots, and boots from another address."""
    tree.make({"default": script("default"),
               "os/installer": script("installer")})
    give_out(network, POOLS[0])
    boot(network, ONE, directory, "default")
    arm("once", MAC, "os/installer")
    give_out(network, POOLS[1])
    boot(network, ONE, directory, "installer")
    boot(network, ONE, directory, "default")
    # The board has no UUID.
    nobody = " (uuid is shared by many boards: ignored)"
    assert decisions(server, 3) == [
        "default default" + nobody, f"once os/installer {MAC}" + nobody,
        "default default" + nobody]
    first, *later = askers(server)
    assert first in POOLS[0] and all(one in POOLS[1] for one in later)


@pytest.mark.long
@each_server
def test_by_each_dhcp_server(router, serve, server, tree, network, directory,
                             server_class):
    serve(server_class, IPXE_IDENTIFIED, POOLS[0])
    tree.make({"default": script("default"),
               "os/installer": script("installer")})
    arm("once", UUID, "os/installer")
    with IpxeWithUuid(network, ONE, directory).boots() as machine:
        machine.shows(f"^Filename: {re.escape(network.url())}"
                      rf"\?mac={MAC}&uuid={UUID}$")
        machine.shows("SAYS-installer-END")
    assert decisions(server, 1) == [f"once os/installer {UUID}"]
    [asker] = askers(server)
    assert asker in POOLS[0]


@each_web_server
def test_by_uuid_and_other_spellings(server, tree, network, directory):
    """One script asks again, for each way in which iPXE can spell it."""
    spellings = ["mac=${net0/mac:hexhyp}", "mac=${mac:hexraw}",
                 "mac=${net7/mac}&uuid=${no-such}", "uuid=${uuid}"]
    asks = [f"imgfetch {network.url()}?{one} ||" for one in spellings]
    tree.make({"default": script("default"), "os/menu": script("menu"),
               "os/asks": script("asks", *asks, "chain os/menu")})
    arm("once", UUID, "os/asks")
    arm("static", MAC, "os/menu")
    give_out(network, POOLS[0])
    with IpxeWithUuid(network, ONE, directory).boots() as machine:
        # A relative path counts from the root, whatever the query is.
        machine.shows("SAYS-menu-END")
    menu = f"static os/menu {MAC}"
    assert decisions(server, 5) == [
        f"once os/asks {UUID}", menu, menu,
        "default default (mac is empty: ignored) (uuid is empty: ignored)",
        "default default"]
    # As the firmware sent them: some versions encode the colons.
    first, *asked = [one.split()[6] for one in server.log()]
    assert first.replace("%3A", ":") == f"/redirect?mac={MAC}&uuid={UUID}"
    assert asked == [
        f"/redirect?mac={MAC.replace(':', '-')}",
        f"/redirect?mac={MAC.replace(':', '')}",
        "/redirect?mac=&uuid=", f"/redirect?uuid={UUID}"]


@each_web_server
def test_a_subnet_and_an_expired_link(server, tree, network, directory):
    tree.make({"default": script("default"), "os/rack": script("rack"),
               "subnet": Directory(),
               "os/installer": script("installer")})
    arm("once", MAC, "os/installer")
    moment = time.time() - EXPIRES - 60
    os.utime(tree.full(f"once/{MAC}"), (moment, moment), follow_symlinks=False)
    give_out(network, POOLS[0])
    boot(network, ONE, directory, "default", IpxeWithUuid)
    arm("subnet", f"{network.address(0)}/24", "os/rack")
    boot(network, ONE, directory, "rack", IpxeWithUuid)
    assert tree.link(f"once/{MAC}") == "../os/installer"
    arm("once", MAC, "os/installer")
    boot(network, ONE, directory, "installer", IpxeWithUuid)
    expired = f" (once/{MAC} has expired: ignored)"
    assert decisions(server, 3) == [
        "default default" + expired,
        f"subnet os/rack {network.address(0)}_24" + expired,
        f"once os/installer {MAC}"]


@each_web_server
def test_an_installation_that_is_interrupted(server, tree, network, directory):
    done = f"imgfetch {network.url('done')}?mac=${{mac}} ||"
    tree.make({"default": script("default"), "os/installer": "\n".join([
        "#!ipxe", "echo SAYS-installer-END",
        "prompt --timeout 60000 Installing.", done, "reboot", ""])})
    arm("until", MAC, "os/installer")
    for pool in POOLS:
        give_out(network, pool)
        boot(network, ONE, directory, "installer", IpxeWithUuid)
    with IpxeWithUuid(network, ONE, directory).boots() as machine:
        machine.shows("Installing[.]")
        assert tree.link(f"until/{MAC}") == "../os/installer"
        machine.type("\n")
        # It would boot again, but for an option that ends it.
        assert machine.process.wait(60) == 0
    assert tree.link(f"until/.done/{MAC}") == "../os/installer"
    boot(network, ONE, directory, "default", IpxeWithUuid)
    installer = f"until os/installer {MAC}"
    assert decisions(server, 5) == [
        installer, installer, installer, f"done until/{MAC}",
        "default default"]


@needs_ipxe_under_uefi
@with_uefi
def test_under_uefi_by_name(server, tree, network, directory):
    """By the name of the UUID first, then of the MAC address alone."""
    tree.make({"default": script("default"), "os/boot": script("os"),
               "os/installer": script("installer"), "names": Directory()})
    arm("name", "node7", MAC, UUID)
    arm("once", "node7", "os/installer")
    give_out(network, POOLS[0])
    boot(network, ONE, directory, "installer", IpxeUefiWithUuid)
    arm("static", MAC, "os/boot")
    give_out(network, POOLS[1])
    boot(network, ONE, directory, "os", IpxeUefi)
    said, more = decisions(server, 2)
    assert said == "once os/installer node7"
    assert more.startswith("static os/boot node7")
    assert tree.link("static/node7")
    first, second = askers(server)
    assert first in POOLS[0] and second in POOLS[1]


@with_uefi
def test_grub(server, tree, network, directory):
    """Booted by iPXE before, and so from another address."""
    one = next(numbers)
    mac = hardware_address(one)
    tree.make({"default": script("default"), "grubx64.efi": "",
               "os/grub.cfg": "echo SAYS-installer-END\n"})
    grub.make_program(
        tree.full("grubx64.efi"), directory,
        line("grub.md", "configfile (http,192.0.2.1:4567)/redirect?"),
        "sleep 60")
    give_out(network, POOLS[0])
    boot(network, one, directory, "default")
    arm("once", mac, "os/grub.cfg")
    give_out(network, POOLS[1], *network.for_http_boot("grubx64.efi"))
    with Uefi(network, one, directory) as machine:
        machine.shows("SAYS-installer-END", within=120)
    server.decided(2)
    # Version 2.12 asks by HEAD before.
    [asked] = [one for one in server.log()
               if f'"GET /redirect?mac={mac} HTTP/1.1" 200 ' in one]
    assert asked.endswith(f" once os/grub.cfg {mac}")
    assert asked.split()[0] in POOLS[1]
