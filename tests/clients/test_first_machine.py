# SPDX-License-Identifier: MIT
"""docs/first-machine.md, done as it stands there, up to the installation."""
import os
import shutil

import pytest

import checkout
import place
from dhcp_servers import Dnsmasq
from machine import Ipxe
from network import Network
from terminal import Terminal
from tutorial import commands, fenced

PAGE, ONE = "first-machine.md", 31


class Restarting(Ipxe):
    def options(self):
        return [*super().options(), "-action", "reboot=reset"]


@pytest.fixture
def dhcp(network, directory):
    """What the page says, and no reservation of another file's."""
    one = Dnsmasq(directory, [], fenced(PAGE, "Reserve an address"))
    yield
    one.stop()


@pytest.fixture
def terminal(directory):
    """Of root, who needs no sudo."""
    programs = os.path.join(directory, "programs")
    os.mkdir(programs)
    os.symlink(shutil.which("env"), f"{programs}/sudo")
    os.symlink(place.CTL, f"{programs}/pxesrvctl")
    path = f"{programs}:{place.clean_env()['PATH']}"
    with Terminal(HOME=directory, PATH=path) as one:
        yield one


def test_the_page(server, tree, network, dhcp, terminal, directory):
    def do(heading, number=0):
        return terminal.says(commands(PAGE, heading)[number])

    checkout.copy_public(place.ROOT)
    said = do("Ask the server")
    assert "HTTP/1.1 200 OK" in said and "menu Network boot" in said

    assert "200 default" in do("Boot the menu")
    terminal.run(commands(PAGE, "Boot the menu")[1])
    with Restarting(network, ONE, directory).boots() as machine:
        machine.shows("Network boot")
    terminal.shows(f"{Network.address(ONE)} .* default default")
    terminal.type("\3")
    terminal.has_prompt()

    assert "-> ../hello" in do("Boot a script once")
    terminal.run(commands(PAGE, "Boot a script once")[1])
    with Restarting(network, ONE, directory).boots() as machine:
        machine.shows(f"Hello {Network.address(ONE)}")
        terminal.shows(f"{Network.address(ONE)}: served hello at")
        terminal.has_prompt()
        machine.shows(r"Hello[^~]*Network boot")
    assert "served" in do("Boot a script once", 2)

    # Nothing is wrong in the example tree, and what is armed is what it says.
    assert do("Install it") == "$"
    assert "-> ../debian/13/default" in do("Install it", 1)
    assert os.path.islink(tree.full(f"once/{Network.address(ONE)}"))
