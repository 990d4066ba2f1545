# SPDX-License-Identifier: MIT
"""pxesrvctl explain says beforehand what the responder then answers."""
import os
import random

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import meta_variables
from place import until
from tree import Directory, Fifo, Link, OldLink, Socket, Unreadable

TREES = 1000
CLIENTS = ["127.0.0.7", "fd00:77::7"]
NAME = "node7"
DIRECTORIES = ["once", "until", "static", "names", "subnet"]
SUBNETS = {
    "127.0.0.7": ["127.0.0.7_32", "127.0.0.0_24", "127.0.0.0_8", "0.0.0.0_0",
                  "127.0.0.7_24", "127.0.0.0_08"],
    "fd00:77::7": ["fd00:77::7_128", "fd00:77::_64", "fd00:77::_63", "::_0"],
}
EXPIRES = "1800"
ALLOWED = place.SERVERS + "/allowed"
# What an entry may lead to, as it counts from the root.
PARTS = {
    "os/boot": OS, "os/shim.efi": b"MZ" + bytes(3000), "os/disk.IMG": "i" * 600,
    "os/disk.iso": "iso", "os/empty": "", "os/large": b"#!ipxe\n" + bytes(99999),
    "os/a name": "echo\n", "os/n\nl": "echo\n", "os/\xff": "binary\x01",
    "os/secret": Unreadable("s"), "os/pipe": Fifo(), "os/socket": Socket(),
    "os/directory/boot": OS, "os/loop": Link("loop"), "os/round": Link("trip"),
    "os/trip": Link("round"), "os/link": Link("boot"),
    "os/link.efi": Link("link"), "os/absolute": Link(place.ROOT + "/os/link"),
    "os/up": Link("../os/absolute"), "os/dangling": Link("nowhere"),
    "os/out": Link("/etc/hostname"), "os/allowed": Link(ALLOWED + "/image"),
    "latest": Link("os"), "os/far": Link("directory/../../latest/boot"),
}
ELSEWHERE = ["nowhere", "os", "os/directory", "os/nowhere/boot", "os/boot/x",
             "latest/boot", "latest/link.efi", "latest/../default", "default"]
OUTSIDE = ["/etc/hostname", "/etc", "/nowhere", "/", ALLOWED + "/image",
           ALLOWED + "/shim.efi", ALLOWED + "/link", ALLOWED, "x" * 300,
           "/" + "x/" * 1900, "../../etc/hostname"]


@pytest.fixture
def tree(tree):
    os.makedirs(ALLOWED, exist_ok=True)
    for name in ("image", "shim.efi"):
        with open(f"{ALLOWED}/{name}", "w") as file:
            file.write("#!ipxe\n" + name)
    if not os.path.lexists(f"{ALLOWED}/link"):
        os.symlink(place.ROOT + "/os/boot", f"{ALLOWED}/link")
    tree.make({**PARTS, **{name: Directory() for name in DIRECTORIES}})
    return tree


def link(draw):
    """A link from a directory of the root to something."""
    if draw.random() < 0.2:
        return Link(draw.choice(OUTSIDE))
    inside = draw.choice([*PARTS, *ELSEWHERE])
    return Link(draw.choice(["../", "../", "../", place.ROOT + "/",
                             place.ROOT + "//", "../os/../", ".././"]) + inside)


def entry(draw):
    kind = draw.choice(["link"] * 6 + ["file", "directory", "fifo", "secret"])
    return {"link": link(draw), "file": "a file\n", "fifo": Fifo(),
            "directory": Directory(), "secret": Unreadable("s")}[kind]


def fill(tree, draw, client):
    for directory, likely in (("once", .5), ("until", .3), ("static", .3)):
        for key in (client, NAME):
            if draw.random() < likely:
                what = entry(draw)
                if isinstance(what, Link) and draw.random() < .2:
                    what = OldLink(what)
                tree.add(f"{directory}/{key}", what)
    if draw.random() < .6:
        tree.add(f"names/{client}", Link(NAME) if draw.random() < .9
                 else entry(draw))
    for name in SUBNETS[client]:
        if draw.random() < .2:
            tree.add(f"subnet/{name}", entry(draw))
    if draw.random() < 0.9:
        default = entry(draw) if draw.random() < 0.3 else MENU
        if isinstance(default, Link) and default.startswith("../"):
            default = Link(default[3:])
        tree.add("default", default)
    for directory in DIRECTORIES:
        os.chmod(tree.full(directory),
                 draw.choice([0o755] * 18 + [0o555, 0o644, 0]))


def clear(tree, client):
    for directory in DIRECTORIES:
        os.chmod(tree.full(directory), 0o755)
    for name in (
            *(f"{directory}/{key}" for directory in DIRECTORIES
              for key in (client, NAME)),
            *(f"once/.served/{key}" for key in (client, NAME)),
            *(f"subnet/{name}" for name in SUBNETS[client]), "default"):
        path = tree.full(name)
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)


def ask(one, client):
    return answer.from_cgi(fastcgi.ask(
        one.path, meta_variables("GET", "/redirect", client)))


def told(client, **env):
    """Its only object."""
    done = ctl.run("explain", "--json", client,
                   env={"PXESRV_ALLOW": ALLOWED, **env})
    assert done.err == "", done.err
    [said] = done.objects()
    assert done.status == (0 if said["status"] == 200 else 1)
    return said


def check(said, got, tree):
    assert got.status == said["status"], said
    if said["status"] != 200:
        assert got.body.decode() == said["error"] + "\n"
        return
    assert got.length == said["bytes"] == len(got.body)
    assert got.type == said["type"]
    name = os.fsencode(said["file"])
    if b"\\x" in name:  # as it is not UTF-8
        return
    with open(os.path.join(os.fsencode(tree.path), name), "rb") as file:
        assert file.read() == got.body


def armed(tree, client):
    return [key for key in (client, NAME)
            if os.path.lexists(tree.full(f"once/{key}"))]


def test_random_trees(responder, tree):
    one = responder(PXESRV_ALLOW=ALLOWED, PXESRV_ONCE_EXPIRES=EXPIRES)
    statuses, sources = set(), set()
    for number in range(TREES):
        draw = random.Random(number)
        client = draw.choice(CLIENTS)
        try:
            fill(tree, draw, client)
            before = armed(tree, client)
            said = told(client, PXESRV_ONCE_EXPIRES=EXPIRES)
            assert armed(tree, client) == before
            check(said, ask(one, client), tree)
            statuses.add(said["status"])
            sources.add(said["source"])
            # Where nobody may look, nothing was claimed either.
            until(lambda: not os.access(tree.full("once"), os.X_OK)
                  or not tree.claimed(), "it is settled")
        except AssertionError as failure:
            raise AssertionError(f"tree {number}: {failure}") from failure
        finally:
            clear(tree, client)
    assert statuses == {200, 403, 404, 503}
    assert sources == {"once", "until", "static", "subnet", "default", "names"}


def test_a_grace(responder, tree):
    grace = {"PXESRV_ONCE_GRACE": "3600"}
    client = CLIENTS[0]
    one = responder(**grace)
    tree.make({"default": MENU})
    for target in ("../os/boot", "../os/link.efi"):
        tree.arm(client, target)
        for _ in range(3):
            said = told(client, **grace)
            assert said["source"] == "once"
            check(said, ask(one, client), tree)
            until(lambda: not tree.claimed(), "it is settled")
    assert "within PXESRV_ONCE_GRACE" in told(client, **grace)["steps"][1]
    assert told(client)["source"] == "default"


@pytest.mark.parametrize("name, what", [
    ("once/.lock", Directory()), ("once/.lock", Link("/dev/null")),
    ("once/.claimed", "a file")])
def test_what_a_claim_needs_is_something_else(responder, tree, name, what):
    client = CLIENTS[0]
    one = responder()
    tree.arm(client, "../os/boot")
    path = tree.full(name)
    os.rmdir(path) if name == "once/.claimed" else os.unlink(path)
    tree.add(name, what)
    said = told(client)
    check(said, ask(one, client), tree)
    assert said["status"] == 503
    os.rmdir(path) if isinstance(what, Directory) else os.unlink(path)


@pytest.mark.skipif(not place.AS_ROOT, reason="root gives files away")
@pytest.mark.parametrize("path, owner, mode", [
    ("once/.lock", 0, 0o600), ("once/.claimed", 0, 0o755),
    ("once", 0, 0o1777), ("once", 0, 0o755)])
def test_what_the_responder_may_not_move(responder, tree, path, owner, mode):
    client = CLIENTS[0]
    one = responder()
    os.symlink("../os/boot", tree.full(f"once/{client}"))
    os.chown(tree.full(path), owner, -1)
    os.chmod(tree.full(path), mode)
    done = ctl.run("explain", "--json", "-u", str(place.OWNER[0]), client)
    [said] = done.objects()
    check(said, ask(one, client), tree)
    assert said["status"] == 503 and done.status == ctl.FOUND


def test_in_words(tree):
    for directory in ("until", "names", "subnet"):
        os.rmdir(tree.full(directory))
    tree.make({"default": MENU, f"once/{CLIENTS[0]}": Link("../os/up"),
               f"static/{CLIENTS[1]}": Link("../os/dangling"),
               "static/127.0.0.8": "echo\n"})
    assert ctl.good("explain", CLIENTS[0]).lines == [
        "127.0.0.7", "  once/127.0.0.7 -> ../os/up", "  os/up",
        "  os/absolute", "  os/link", "  os/boot",
        f"  200 os/boot, {len(OS)} bytes, text/plain; charset=utf-8"]
    done = ctl.run("explain", CLIENTS[1])
    assert (done.status, done.lines) == (ctl.FOUND, [
        "fd00:77::7", "  once/fd00:77::7: there is none",
        "  static/fd00:77::7 -> ../os/dangling", "  os/dangling",
        "  os/nowhere", "  404 # static/fd00:77::7 -> ../os/dangling: "
        "No such file or directory"])
    assert ctl.good("explain", "127.0.0.8").lines[2:] == [
        "  static/127.0.0.8",
        "  200 static/127.0.0.8, 5 bytes, text/plain; charset=utf-8",
        "  but: a text that does not begin with #!ipxe and a newline: iPXE "
        "runs it as machine code, and hangs; only GRUB and PXELINUX read "
        "other texts"]
    assert ctl.good("explain", "127.0.0.9").lines[1:4] == [
        "  once/127.0.0.9: there is none",
        "  static/127.0.0.9: there is none", "  default"]


def test_a_name_in_words(tree):
    """Each identity of the machine, and what a request of it would get."""
    mac, uuid = "00:00:5e:00:53:07", "123e4567-e89b-12d3-a456-426614174000"
    tree.make({"default": MENU, f"names/{CLIENTS[0]}": Link(NAME),
               f"names/{mac}": Link(NAME), f"names/{uuid}": Link(NAME),
               f"once/{NAME}": OldLink("../os/boot"), f"until/{NAME}": "file",
               f"static/{CLIENTS[0]}": Link("../os/link"),
               "subnet/127.0.0.0_24": Link("../os/boot")})
    expires = {"PXESRV_ONCE_EXPIRES": EXPIRES}
    lines = ctl.good("explain", CLIENTS[0], env=expires).lines
    assert lines[:8] == [
        CLIENTS[0], f"  {CLIENTS[0]}: its name is {NAME}",
        f"  once/{NAME}: it has expired, so it is ignored",
        f"  once/{CLIENTS[0]}: there is none",
        f"  until/{NAME}: it is no link, so it is ignored",
        f"  until/{CLIENTS[0]}: there is none",
        f"  static/{NAME}: there is none",
        f"  static/{CLIENTS[0]} -> ../os/link"]
    said = ctl.good("explain", NAME, "--json").objects()
    assert {one["client"]: (one["name"], one["entry"]) for one in said} == {
        key: (NAME, f"once/{NAME}") for key in (CLIENTS[0], mac, uuid)}
    said = ctl.good("explain", NAME, "--json", env=expires).objects()
    assert {one["client"]: one["entry"] for one in said} == {
        CLIENTS[0]: f"static/{CLIENTS[0]}", mac: "default", uuid: "default"}
    [said] = ctl.good("explain", "127.0.0.8", "--json").objects()
    assert (said["entry"], said["name"]) == ("subnet/127.0.0.0_24", None)
