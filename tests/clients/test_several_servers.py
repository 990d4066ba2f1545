# SPDX-License-Identifier: MIT
"""What iPXE does when a boot server is away; tests/blackbox/ipxe.py relies on it."""
import contextlib
import os
import time

import ipxe
import place
import pytest
from machine import Ipxe
from network import BRIDGE, ip
from pages import block
from place import Program, until
from saying import script

ONE = 31
PAGE = "several-servers.md"
FIRST, SECOND = "10.77.0.11", "10.77.0.12"  # of the two boot servers
# Its clock has 18 ticks a second, and the console takes its time as well.
TICKS = 1


def to_boot(what, *more):
    return ["dhcp-userclass=set:ipxe,iPXE", f"dhcp-boot=tag:ipxe,{what}",
            "dhcp-option-force=tag:ipxe,encap:175,176,1b", *more]


def url(server, port=4567):
    return f"http://{server}:{port}/redirect"


def add(server):
    ip("address", "add", f"{server}/24", "dev", BRIDGE)


def gives_up(machine):
    """Seconds from the URL on the console to the error."""
    machine.shows(r"/redirect\.\.")
    begun = time.monotonic()
    machine.shows("Connection timed out")
    return time.monotonic() - begun


def test_the_address_is_back_in_time(server, tree, network, directory):
    """Between the last two of its attempts to connect: it asks once more."""
    network.serve_dhcp([ONE], to_boot(url(FIRST)))
    tree.make({"default": script("default")})
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows(r"/redirect\.\.")
        begun = time.monotonic()
        time.sleep(ipxe.SYN_AT[-2] + TICKS)
        add(FIRST)
        machine.shows("SAYS-default-END")
        assert time.monotonic() - begun > ipxe.LAST_SYN_AT - TICKS


def test_a_refused_connection_is_the_end(server, network, directory):
    network.serve_dhcp([ONE], to_boot(url(FIRST, place.free_port())))
    add(FIRST)
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows(r"/redirect\.+ Connection reset")
        machine.shows("No bootable device")


def test_two_urls(server, tree, network, directory):
    """The script of the page. The first server is away, the second one is not."""
    tree.make({"default": script("default")})
    add(SECOND)
    with open(os.path.join(directory, "boot.ipxe"), "w") as file:
        file.write(block(PAGE, "Without keepalived", "ipxe"))
    network.serve_dhcp([ONE], to_boot("boot.ipxe", "enable-tftp",
                                      f"tftp-root={directory}"))
    with Ipxe(network, ONE, directory).boots() as machine:
        waited = gives_up(machine)
        assert abs(waited - ipxe.GIVES_UP_AFTER) < 2 * TICKS, waited
        machine.shows("SAYS-default-END")


@contextlib.contextmanager
def name_server(network, directory, *addresses):
    """One that says these of boot.test, in this order."""
    one = Program(
        ["dnsmasq", "-k", "--conf-file=/dev/null", "--log-facility=-",
         "--user=root", "--group=root", "--no-resolv", "--no-hosts",
         "--no-round-robin", "--bind-interfaces", "--log-queries",
         f"--listen-address={network.server}", f"--pid-file={directory}/dns.pid",
         *(f"--host-record=boot.test,{address}" for address in addresses)],
        os.path.join(directory, "dns.log"))
    until(lambda: "started" in one.messages() or not one.is_running(), "dnsmasq")
    assert one.is_running(), one.messages()
    try:
        yield one
    finally:
        one.end()


@pytest.mark.parametrize("away", ["first", "second"])
def test_a_name_with_two_addresses(away, server, tree, network, directory):
    """It takes the first one, and no other."""
    tree.make({"default": script("default")})
    add(SECOND if away == "first" else FIRST)
    network.serve_dhcp([ONE], to_boot(
        url("boot.test"), f"dhcp-option-force=tag:ipxe,6,{network.server}"))
    with name_server(network, directory, FIRST, SECOND) as names, \
            Ipxe(network, ONE, directory).boots() as machine:
        if away == "first":
            gives_up(machine)
            machine.shows("No bootable device")
        else:
            machine.shows("SAYS-default-END")
        said = names.messages()
        assert all(f"boot.test is {one}" in said for one in (FIRST, SECOND))
