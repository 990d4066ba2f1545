# SPDX-License-Identifier: MIT
"""iPXE in the ROM of the network card."""
import contextlib
import fcntl
import os
import re
import shutil

import ctl
import place
import pytest
from conftest import NGINX_LIGHTTPD
from machine import Ipxe, IpxeUefi, needs_ipxe_under_uefi
from network import Network6
from pages import block
from saying import boot, script

ONE = 11
SERVERS = pytest.mark.parametrize(
    "server", ["nginx", "lighttpd", "apache-cgi"], indirect=True)


@SERVERS
def test_default_static_and_once(server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": script("default"), "os/boot": script("os"),
               "os/installer": script("installer")})
    boot(network, ONE, directory, "default")
    ctl.good("static", network.address(ONE), "os/boot")
    boot(network, ONE, directory, "os")
    ctl.good("once", network.address(ONE), "os/installer")
    boot(network, ONE, directory, "installer")
    boot(network, ONE, directory, "os")
    assert server.decided(4) == [
        ("GET", "200", "default default"), ("GET", "200", "static os/boot"),
        ("GET", "200", "once os/installer"), ("GET", "200", "static os/boot")]


@NGINX_LIGHTTPD
@needs_ipxe_under_uefi
@pytest.mark.parametrize(
    "network", ["IPv4", pytest.param("IPv6 alone", marks=pytest.mark.long)],
    indirect=True)
def test_under_uefi(server, tree, network, directory):
    lines = block("ipxe.md", "IPv6 alone", "dnsmasq").split()
    network.serve_dhcp([ONE], lines if isinstance(network, Network6)
                       else network.for_ipxe())
    tree.make({"default": script("default"), "os/boot": script("os"),
               "os/installer": script("installer")})
    ctl.good("static", network.address(ONE), "os/boot")
    ctl.good("once", network.address(ONE), "os/installer")
    boot(network, ONE, directory, "installer", IpxeUefi)
    boot(network, ONE, directory, "os", IpxeUefi)
    ctl.good("forget", network.address(ONE))
    boot(network, ONE, directory, "default", IpxeUefi)
    assert server.decided(3) == [
        ("GET", "200", "once os/installer"), ("GET", "200", "static os/boot"),
        ("GET", "200", "default default")]


@SERVERS
def test_four_machines_at_once(server, tree, network, directory):
    machines = [11, 12, 13, 14]
    network.serve_dhcp(machines, network.for_ipxe())
    tree.make({"default": script("default"),
               **{f"os/{n}": script(f"for-{n}") for n in machines}})
    for number in machines[:3]:
        ctl.good("once", network.address(number), f"os/{number}")
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(Ipxe(network, n, directory))
                   for n in machines]
        for machine in started:
            machine.boots()
        for machine in started:
            want = f"for-{machine.number}" if machine.number != 14 \
                else "default"
            machine.shows(f"SAYS-{want}-END")
        # None has been switched off: they were there at the same time.
        assert all(m.process.poll() is None for m in started)
        server.decided(4)
    said = [re.search(r"(\S+) - - \[.* (\S+)$", line).groups()
            for line in server.log()]
    assert sorted(said) == [
        (network.address(n), "default" if n == 14 else f"os/{n}")
        for n in machines]


@SERVERS
def test_a_relative_chain(server, tree, network, directory):
    """What /redirect gives counts from the root of the server."""
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": script("default", "chain os/next || shell"),
               "os/next": script("next")})
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows("SAYS-default-END")
        machine.shows("Waiting.")
        machine.type("\n")
        machine.shows("SAYS-next-END")


@SERVERS
def test_the_example_menu(server, tree, network, directory):
    """The tree that is shipped, and choices in its menu."""
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"debian/13/default": script("debian")})
    shutil.copy(place.SOURCE + "/public/default", place.ROOT)
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows(f"Network boot: {re.escape(network.address(ONE))} ")
        machine.type("s")
        machine.shows("iPXE>")
        machine.type("exit\n")
        machine.type("d")
        machine.shows("Press y to go on")
        machine.type("y")
        machine.shows("SAYS-debian-END")


@SERVERS
def test_a_503_is_waited_out(server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": script("default"), "os/boot": script("os"),
               "once/.lock": ""})
    ctl.good("once", network.address(ONE), "os/boot")
    with open(tree.full("once/.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with Ipxe(network, ONE, directory).boots() as machine:
            [(_, status, _)] = server.decided(1)
            assert status == "503"
            fcntl.flock(lock, fcntl.LOCK_UN)
            machine.shows("SAYS-os-END")
    assert [status for _, status, _ in server.decided(2)] == ["503", "200"]


@SERVERS
def test_a_broken_link_is_no_other_boot(server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": script("default")})
    os.symlink("../os/nowhere", tree.full(f"once/{network.address(ONE)}"))
    with Ipxe(network, ONE, directory).boots() as machine:
        # Newer versions have the second one.
        machine.shows(r"(No such file or directory|Not found) "
                      r"\(http.*ipxe\.org/")
        machine.shows("No bootable device")
    [(_, status, decision)] = server.decided(1)
    assert status == "404" and decision.startswith("once os/nowhere")
    assert tree.link(f"once/{network.address(ONE)}") == "../os/nowhere"
