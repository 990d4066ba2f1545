# SPDX-License-Identifier: MIT
"""Answers whose peer takes them later: what they hold, and what they settle."""
import fcntl
import os
import socket
import termios
import time

import pytest

import answer
import fastcgi
import place
from crowd import Rest, get
from deployments import meta_variables
from fastcgi import Connection
from place import until
from tree import Link

CLIENT = "127.0.0.7"
SMALL = os.urandom(7500) * 2    # one record; the socket takes one, not two
LARGE = os.urandom(3 << 20)


def whole(peer):
    return answer.from_cgi(peer.read_answer())


def is_taken(peer):
    """Whether nothing that this peer has sent is left in the socket."""
    left = fcntl.ioctl(peer.socket, termios.TIOCOUTQ, bytes(4))
    return left == bytes(4)


def fill_and_read(r, how):
    """Asks on a kept connection until the socket is full, then reads all."""
    with Connection(r.path) as peer:
        asked = 0
        while not r.is_sending():
            peer.send(get(CLIENT, keep=True, **how))
            # The next one is looked at when this answer is in the socket.
            until(lambda: is_taken(peer) or r.is_sending(), "it is taken")
            asked += 1
            assert asked < 1000, "the socket is never full"
        for _ in range(asked):
            got = whole(peer)
            assert got.status == 200
            assert got.body == (b"" if how else SMALL)
        peer.send(get(CLIENT, keep=True))
        assert whole(peer).body == SMALL


@pytest.mark.parametrize("how", [
    {}, {"PXESRV_SEND": "x-accel-redirect"}, {"REQUEST_METHOD": "HEAD"}])
def test_answers_that_are_not_read_yet(responder, tree, how):
    """On a kept connection, one request after the other."""
    r = responder()
    tree.make({"default": "default", "os/boot": "os", "os/small": SMALL,
               f"static/{CLIENT}": Link("../os/small")})
    rest = Rest(r)
    # More often than a responder keeps files open between requests.
    for _ in range(20):
        fill_and_read(r, how)
    rest.is_back()


def test_slow_peers_of_the_default(responder, tree):
    """Its file is shared between requests; each answer is what was there."""
    r = responder()
    tree.make({"default": "default", "os/boot": "os"})
    rest = Rest(r)
    peers = []
    for content in (LARGE, LARGE[::-1]):
        tree.make({"new": content})
        os.rename(tree.full("new"), tree.full("default"))
        time.sleep(0.2)  # a file that is new is not kept: see tree_cache.c
        for _ in range(20):
            peer = Connection(r.path)
            peer.send(get(keep=True))
            peer.socket.recv(1, socket.MSG_PEEK)  # it has been decided
            peers.append((peer, content))
    for peer, content in peers:
        assert whole(peer).body == content
        peer.close()
    tree.make({"new": "default"})
    os.rename(tree.full("new"), tree.full("default"))
    rest.is_back()


def begin(r, client=CLIENT):
    """A peer that has asked, and got the beginning of a large answer."""
    peer = Connection(r.path)
    peer.send(fastcgi.request(meta_variables("GET", "/redirect", client)))
    peer.first = peer.read_record()[2]
    return peer


def finish(peer):
    body = answer.from_cgi(peer.first + peer.read_answer()).body
    peer.close()
    return body


def test_armed_anew_while_it_is_sent(responder, tree):
    r = responder()
    tree.make({"default": "default", "os/large": LARGE, "os/boot": "os"})
    tree.arm(CLIENT, "../os/large")
    peer = begin(r)
    assert len(tree.claimed()) == 1
    tree.arm(CLIENT, "../os/boot")
    assert finish(peer) == LARGE
    until(lambda: not tree.claimed(), "the claim is settled")
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"


def test_broken_off_after_it_was_armed_anew(responder, tree):
    r = responder()
    tree.make({"default": "default", "os/large": LARGE, "os/boot": "os"})
    tree.arm(CLIENT, "../os/large")
    peer = begin(r)
    tree.arm(CLIENT, "../os/boot")
    peer.close()
    until(lambda: not tree.claimed(), "the claim is settled")
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"


@pytest.mark.parametrize("is_read", [True, False])
def test_the_root_is_switched_while_it_is_sent(responder, tree, is_read):
    """The link goes where it came from."""
    tree.make({f"{name}/{path}": content for name in ("one", "two")
               for path, content in {"default": name, "os/large": LARGE,
                                     "once/keep": "a file"}.items()})
    os.symlink(tree.full("one"), tree.full("current"))
    os.symlink("../os/large", tree.full(f"one/once/{CLIENT}"))
    r = responder(PXESRV_ROOT=tree.full("current"))
    peer = begin(r)
    os.symlink(tree.full("two"), tree.full("next"))
    os.rename(tree.full("next"), tree.full("current"))
    if is_read:
        assert finish(peer) == LARGE
    else:
        peer.close()
    end = f"one/once/{'.served/' if is_read else ''}{CLIENT}"
    until(lambda: os.path.islink(tree.full(end)), "the claim is settled")
    assert not os.path.lexists(tree.full(f"two/once/{CLIENT}"))
    assert os.listdir(tree.full("one/once/.claimed")) == []


def test_the_log_has_what_was_taken(responder, tree):
    r = responder()
    tree.make({"default": "default", "os/large": LARGE})
    tree.arm(CLIENT, "../os/large")
    peer = begin(r)
    taken = len(answer.from_cgi(peer.first).body)
    peer.close()
    until(lambda: not tree.claimed(), "the claim is settled")

    def logged():
        with open(place.LOG) as log:
            return [line for line in log if line.startswith(CLIENT)]
    (line,) = until(logged, "its line")
    size = int(line.split('" 200 ')[1].split()[0])
    # What lay in the socket is not known to have been read.
    assert taken <= size < taken + (64 << 10)
    assert line.endswith("once os/large (not delivered: armed again)\n")
    assert tree.link(f"once/{CLIENT}") == "../os/large"
