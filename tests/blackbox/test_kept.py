# SPDX-License-Identifier: MIT
"""What a worker keeps open between two requests is never answered stale."""
import os
import shutil
import subprocess
import time

import pytest

import answer
import place
import strace
from crowd import BYSTANDER, get
from fastcgi import Connection
from place import until
from tree import Directory, Link


@pytest.fixture
def asked(responder, tree):
    """A function that asks one worker, over one connection."""
    tree.make({"default": "first", "once": Directory()})
    one = responder(PXESRV_THREADS="1")
    with Connection(one.path) as connection:
        def ask():
            connection.send(get(keep=True))
            return answer.from_cgi(connection.read_answer())
        ask.responder = one
        def keep():
            """A file that has just been changed is not kept yet."""
            path = tree.full("default")
            until(lambda: time.time() - os.stat(path).st_ctime > 0.2,
                  "it is no new one")
            assert ask().body == b"first"
            assert place.has_open(one.pid, path)
        ask.keep = keep
        def keep_root():
            """Nor is what a root lacks that has just been changed."""
            place.settle_root()
            for _ in range(2):
                ask()
        ask.keep_root = keep_root
        keep()
        yield ask


def replace(tree, name, what):
    tree.add("new", what)
    os.rename(tree.full("new"), tree.full(name))


def test_default_is_replaced(asked, tree):
    for text in ("second", "", "the third one"):
        replace(tree, "default", text)
        assert asked().body == text.encode()
    replace(tree, "default", Link("os/boot"))
    assert asked().status == 404
    tree.make({"os/boot": "os"})
    assert asked().body == b"os"
    os.unlink(tree.full("default"))
    assert asked().status == 404
    tree.make({"default": Directory()})
    assert asked().status == 403


def test_default_is_changed_in_place(asked, tree):
    # In one tick of a clock, too: each is asked for at once.
    asked.keep()
    with open(tree.full("default"), "r+b", buffering=0) as file:
        for number in range(300):
            text = b"%d" % number + b"x" * (number % 7)
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), text, 0)
            assert asked().body == text


@pytest.mark.parametrize("name, made, want", [
    ("names", {f"names/{BYSTANDER}": Link("node7"), "static/node7": "own"},
     b"own"),
    ("until", {f"until/{BYSTANDER}": Link("../default")}, b"first"),
    ("subnet", {"subnet/127.0.0.0_8": "rack"}, b"rack")])
@pytest.mark.parametrize("how", ["made", "moved", "a link"])
def test_a_directory_that_was_not_there(asked, tree, name, made, want, how):
    """That it is missing is kept, as long as it is."""
    tree.make({**made, "static/node7": "own"})
    os.rename(tree.full(name), tree.full("aside"))
    if name == "until":
        # What decides shows by what is broken.
        tree.add("static/" + BYSTANDER, Link("nowhere"))
    asked.keep_root()
    before = asked().status
    for _ in range(5):
        if how == "made":
            shutil.copytree(tree.full("aside"), tree.full(name), symlinks=True)
        elif how == "moved":
            os.rename(tree.full("aside"), tree.full(name))
        else:
            os.symlink("aside", tree.full(name))
        got = asked()
        assert (got.status, got.body) == (200, want)
        if how == "made":
            shutil.rmtree(tree.full(name))
        elif how == "moved":
            os.rename(tree.full(name), tree.full("aside"))
        else:
            os.unlink(tree.full(name))
        assert asked().status == before
        assert asked().body != want or name == "until"
        asked.keep_root()


def test_a_link_to_a_directory_that_is_not_there_yet(asked, tree):
    tree.make({"away": Directory(), "names": Link("away/names"),
               "static/node7": "own"})
    asked.keep_root()
    for _ in range(3):
        assert asked().body == b"first"
        os.mkdir(tree.full("away/names"))
        os.symlink("node7", tree.full(f"away/names/{BYSTANDER}"))
        assert asked().body == b"own"
        shutil.rmtree(tree.full("away/names"))


@pytest.mark.skipif(not place.AS_ROOT, reason="only root gives files away")
def test_nobody_may_read_default_any_more(asked, tree):
    for _ in range(3):
        asked.keep()
        os.chown(tree.full("default"), 0, 0)
        os.chmod(tree.full("default"), 0o600)
        assert asked().status == 403
        os.chmod(tree.full("default"), 0o644)
        assert asked().body == b"first"


def test_the_mode_forbids_default(asked, tree):
    for _ in range(3):
        asked.keep()
        os.chmod(tree.full("default"), 0)
        assert asked().status == 403
        os.chmod(tree.full("default"), 0o600)
        assert asked().body == b"first"


def test_the_root_is_another_one(responder, tree):
    tree.make({f"releases/{name}/default": name for name in "ab"})
    tree.make({"current": Link("releases/a")})
    one = responder(PXESRV_ROOT=tree.full("current"), PXESRV_THREADS="1")
    with Connection(one.path) as connection:
        for name in "aabbab":
            replace(tree, "current", Link(f"releases/{name}"))
            connection.send(get(keep=True))
            got = answer.from_cgi(connection.read_answer())
            assert got.body == name.encode()
        os.unlink(tree.full("current"))
        connection.send(get(keep=True))
        assert answer.from_cgi(connection.read_answer()).status == 503


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_something_is_mounted_over_default(asked, tree):
    tree.make({"other": "other"})
    subprocess.run(["mount", "--bind", tree.full("other"),
                    tree.full("default")], check=True)
    try:
        assert asked().body == b"other"
    finally:
        # It is kept now.
        subprocess.run(["umount", "-l", tree.full("default")], check=True)
    assert asked().body == b"first"


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_only_the_root_is_kept_where_looking_may_not_tell(responder, tree):
    """ramfs stands for all that are not known to tell at once."""
    at = tree.full("mounted")
    tree.make({"mounted": Directory()})
    subprocess.run(["mount", "-t", "ramfs", "ramfs", at], check=True)
    try:
        with open(at + "/default", "w") as file:
            file.write("ramfs")
        os.chmod(at, 0o755)
        one = responder(PXESRV_ROOT=at, PXESRV_THREADS="1")
        with Connection(one.path) as connection:
            for _ in range(3):
                connection.send(get(keep=True))
                got = answer.from_cgi(connection.read_answer())
                assert got.body == b"ramfs"
            # It closes the file behind the answer.
            until(lambda: strace.is_waiting(strace.worker(one.pid)), "it waits")
            assert place.has_open(one.pid, at)
            assert not place.has_open(one.pid, at + "/default")
        one.stop()
    finally:
        subprocess.run(["umount", "-l", at], check=True)


def test_nothing_is_kept_for_long(asked, tree):
    """So that an administrator can unmount the tree of an idle responder."""
    def kept():
        return [path for path in (place.ROOT, tree.full("default"))
                if place.has_open(asked.responder.pid, path)]

    assert kept() == [place.ROOT, tree.full("default")]
    until(lambda: not kept(), "it is let go of")
    assert asked().body == b"first"
