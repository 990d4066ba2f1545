# SPDX-License-Identifier: MIT
"""README.md's installation, on a machine that has nothing of PXESrv.

tests/packages/deb boots that machine, and runs this on it as root. The package
has been built there by README.md's commands, too.
"""
import re
import socket

import pytest

pytest.register_assert_rewrite("machine_steps")
from machine_steps import (  # noqa: E402
    BOOT, SOURCE, TREE, as_alice, ask, read, until)


def commands(heading):
    text = re.search(rf"^### {re.escape(heading)}\n(.*?)^##",
                     read(f"{SOURCE}/README.md"), re.MULTILINE | re.DOTALL)[1]
    return "\n".join(re.findall(r"^    (.*)$", text, re.MULTILINE))


def nginx_listens():
    try:
        socket.create_connection(("127.0.0.1", 4567)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_four_commands():
    said = commands("Install it and start nginx")
    assert said.count("\n") == 3
    as_alice(said)
    # A reload may not be over when its command ends.
    until(nginx_listens, "nginx listens")
    assert ask(4567, "127.0.0.7") == (200, read(f"{TREE}/default"))
    as_alice(f"sudo pxesrvctl once 127.0.0.7 {BOOT}")
    assert ask(4567, "127.0.0.7") == (200, read(f"{TREE}/{BOOT}"))
    assert ask(4567, "127.0.0.7") == (200, read(f"{TREE}/default"))
