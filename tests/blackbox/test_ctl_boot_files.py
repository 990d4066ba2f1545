# SPDX-License-Identifier: MIT
"""What pxesrvctl says of files that are to be booted."""
import pytest

import boot_files
import ctl
import place
from cases import MENU
from tree import Directory, Link, Unreadable

CLIENT, OTHER = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def tree(tree):
    tree.make({"default": MENU, "once": Directory(), "static": Directory()})
    return tree


def problems():
    return {one["path"]: one["problem"]
            for one in ctl.run("check", "--json").objects()}


def doubt():
    """What explain has to say against what the client gets."""
    [one] = ctl.run("explain", "--json", CLIENT).objects()
    return one["doubt"]


def arm(path):
    """The warning of once, or None."""
    done = ctl.run("once", CLIENT, path)
    assert done.status == ctl.OK
    start = f"pxesrvctl: warning: {path}: "
    assert done.err == "" or done.err.startswith(start)
    return done.err[len(start):].rstrip("\n") or None


@boot_files.EACH
def test_a_warning_where_one_is_due(tree, file):
    tree.make({"os/boot": file.content(),
               f"static/{OTHER}": Link("../os/boot")})
    said = arm("os/boot")
    assert doubt() == said
    found = problems()
    if file.said is None:
        assert said is None and found == {}
    else:
        assert said.startswith(file.said)
        assert found == {f"once/{CLIENT}": said, f"static/{OTHER}": said}


@pytest.mark.parametrize("text, said", [
    ("set timeout=1\n", None), ("#!/bin/sh\n", None),
    ("#!ipxe;\n", boot_files.NEWLINE), ("\n#!ipxe\n", boot_files.IN_FRONT),
    ("", boot_files.EMPTY), ("menu\n".encode("utf-16"), boot_files.UTF_16)])
@pytest.mark.parametrize("path", [
    "grub/once.cfg", "os/grub/2/menu", "os/grub.cfg-0A000001",
    "pxelinux.cfg/default", "os/pxelinux.cfg/0A000001"])
def test_configurations_by_their_place(tree, path, text, said):
    """But what was meant for iPXE is none, wherever it lies."""
    tree.make({path: text})
    warning = arm(path)
    assert warning is None if said is None else warning.startswith(said)


def test_the_warning_says_what_iPXE_does(tree):
    for text in ("#!ipxe;\n", "\n#!ipxe\n", "#!IPXE\n", "echo\n"):
        tree.add("os/boot", text)
        assert "machine code, and hangs" in arm("os/boot")
    tree.add("os/boot", "")
    assert "Exec format error" in arm("os/boot")


@pytest.mark.parametrize("what, problem", [
    (Directory(), "Is a directory"),
    (Unreadable("#!ipxe\n"), "Permission denied")])
def test_what_is_no_file_to_read(tree, what, problem):
    tree.make({"os/boot": what, f"static/{OTHER}": Link("../os/boot")})
    done = ctl.run("once", "-u", str(place.OWNER[0]), CLIENT, "os/boot")
    assert done.status == ctl.FOUND
    assert problem in done.err
    done = ctl.run("check", "--json", "-u", str(place.OWNER[0]))
    [found] = done.objects()
    assert (found["path"], found["problem"]) == (f"static/{OTHER}", problem)


def test_a_file_that_gives_an_error(tree):
    """The loopback interface has no speed."""
    path = "/sys/devices/virtual/net/lo/speed"
    with open(path, "rb", buffering=0) as file:
        with pytest.raises(OSError) as error:
            file.read()
    done = ctl.run("once", CLIENT, path, env={"PXESRV_ALLOW": "/sys"})
    assert (done.status, done.err) == (
        ctl.OK, f"pxesrvctl: warning: {path}: {error.value.strerror}\n")
