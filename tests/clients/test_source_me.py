# SPDX-License-Identifier: MIT
"""The machine that source_me.sh starts, with the server that it starts."""
import os
import signal
import time

import pytest

from machine import as_text
from place import ROOT, SOURCE, Program, clean_env, free_port
from tree import Link


class FromShell(Program):
    """A function of source_me.sh, as from a terminal."""

    def __init__(self, shell, function, directory, port):
        self.said = f"{directory}/{function}"
        with open(self.said, "wb") as out:
            super().__init__(
                [shell, "-c", f". ./source_me.sh; {function}"],
                self.said + ".err", stdout=out, cwd=SOURCE,
                start_new_session=True,
                env=clean_env(PXESRV_PORT=port, PXESRV_ROOT=ROOT,
                              PXESRV_LOG="-"))

    def shows(self, what, within=60):
        limit = time.monotonic() + within
        text = ""
        while what not in text:
            assert self.is_running() and time.monotonic() < limit, \
                text + self.messages()
            time.sleep(0.05)
            with open(self.said, "rb") as file:
                text = as_text(file.read(), 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.pid, signal.SIGTERM)
        self.process.wait(20)


@pytest.mark.parametrize("shell, function", [
    ("sh", "pxe_instance"), ("bash", "pxe-instance")])
def test_it_boots_from_there(shell, function, tree, directory):
    tree.make({"default": "#!ipxe\necho This is the default\nshell\n",
               "os": "#!ipxe\necho Installed, once\nchain redirect\n",
               "once/127.0.0.1": Link("../os")})
    port = str(free_port())
    with FromShell(shell, "pxesrv_start", directory, port) as server:
        server.shows("DHCP filename")
        with FromShell(shell, function, directory, port) as machine:
            machine.shows("Installed, once")
            machine.shows("This is the default")
        server.shows("once os")
        server.shows("default default")
    assert os.path.islink(tree.full("once/.served/127.0.0.1"))
