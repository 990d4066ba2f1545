# SPDX-License-Identifier: MIT
"""Slow peers, broken ones, and more of them than there are descriptors.

Whatever they do, the others are answered, no link is used up without its
answer, and when they have gone, memory and descriptors are what they were.
"""
import collections
import os
import random
import socket
import threading
import time

import pytest

import answer
import fastcgi
import place
from crowd import (TREE, Rest, ask_default, clients, enough_descriptors, get,
                   limit_descriptors)
from deployments import meta_variables
from fastcgi import Connection, begin, pairs, record
from place import until
from tree import Link

# Seconds in which a peer has its answer, whatever the others do. It is to show
# that no thread waits for any of them, not how fast it is.
BOUND = 1
CLIENT = "127.0.0.7"


@pytest.fixture(autouse=True)
def descriptors():
    """Enough of them for all the peers that are played here."""
    with enough_descriptors(4096):
        yield


def send(peer, data):
    """Sends, if it is still open. Whether it is."""
    try:
        peer.send(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def ask_in(path, bound):
    """A well-behaved peer: its answer comes within so many seconds.

    That is the best of a few tries, since others may want the processor, too.
    """
    for _ in range(20):
        took = ask_default(path)
        if took < bound:
            return took
    raise AssertionError(f"not answered within {bound} s, but {took:.3f} s")


def outcome(peer):
    """The answer that a peer got, or None when it was let go without one."""
    try:
        return answer.from_cgi(peer.read_answer())
    except (fastcgi.Closed, ConnectionResetError):
        return None


class Trickle(threading.Thread):
    """Sends a byte a second of a request on each of many connections."""

    def __init__(self, peers, data):
        super().__init__()
        self.peers, self.data = peers, data
        self.rounds = 0
        self.over = threading.Event()

    def run(self):
        for i in range(len(self.data) - 1):
            self.peers = [peer for peer in self.peers
                          if send(peer, self.data[i:i + 1])]
            self.rounds += 1
            if not self.peers or self.over.wait(1):
                return


def half_close(path, data):
    peer = Connection(path)
    if send(peer, data):
        peer.socket.shutdown(socket.SHUT_WR)
    return peer


def check_half_closed(tree, armed, peers):
    """Each link was either answered in full, or is still armed."""
    for client, peer in zip(armed, peers):
        got = outcome(peer)
        peer.close()
        assert got is None or got.body == b"os"
        until(lambda: tree.link(f"once/{client}") is None or got is None,
              f"{client}: the answer's link is used up")
        served = tree.link(f"once/.served/{client}")
        assert (served is None) == (got is None), client


@pytest.mark.parametrize("room", [
    pytest.param("for all", marks=pytest.mark.deep), "not for all"])
def test_silent_and_slow_peers_hold_up_nobody(responder, tree, room):
    """500 silent, 500 slow, 260 that broke off, and the others go on.

    With room for all they stay until the responder has enough of them; without
    (1,024 descriptors, the usual limit) it lets the oldest go at once.
    """
    r = responder(PXESRV_THREADS="2", preexec_fn=limit_descriptors(
        4096 if room == "for all" else 1024))
    armed = clients(100)
    tree.make(TREE)
    for client in armed + [CLIENT]:
        tree.arm(client, "../os/boot")
    rest = Rest(r)

    whole = get(CLIENT)
    params = record(fastcgi.PARAMS, pairs(
        meta_variables("GET", "/redirect", CLIENT)))
    silent = [Connection(r.path) for _ in range(560)]
    # One byte, or BEGIN and silence, hang a worker of libfcgi for good.
    for i, peer in enumerate(silent[500:]):
        send(peer, [b"\1", whole[:8], begin(), begin() + params,
                    begin() + params + record(fastcgi.PARAMS),
                    whole[:-1]][i % 6])
    slow = [Connection(r.path) for _ in range(500)]
    trickle = Trickle(slow, whole)
    trickle.start()
    middle = [half_close(r.path, whole[:1 + i % (len(whole) - 1)])
              for i in range(100)]
    after = [half_close(r.path, get(client)) for client in armed]
    until(lambda: r.descriptors() > 900, "most of them are held")
    times = []
    try:
        # The responder's patience is 10 seconds, so that some are let go.
        rounds = 12 if room == "for all" else 3
        while trickle.rounds < rounds or len(times) < 200:
            times += [ask_in(r.path, BOUND) for _ in range(10)]
            time.sleep(0.02)
            if not trickle.is_alive() and len(times) >= 200:
                break
    finally:
        trickle.over.set()
        trickle.join()
    for peer in middle:
        assert peer.is_closed()
    check_half_closed(tree, armed, after)
    if room == "for all":
        for peer in silent + slow:
            assert peer.is_closed()
    for peer in silent + slow + middle:
        peer.close()
    until(lambda: not tree.claimed(), "the claims are settled")
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    more = rest.is_back()
    ask_default(r.path)
    place.figure(f"among 1,260 silent, slow and half-closed peers, room {room}:"
                 f" {len(times)} requests, the slowest {max(times) * 1000:.0f}"
                 f" ms; afterwards {more // 1024} kB more")


def broken_requests(seed):
    """Requests that end too early, at a random byte."""
    chance = random.Random(seed)
    asked = meta_variables("GET", "/redirect", CLIENT)
    whole = [get(CLIENT), get(CLIENT, keep=True), get(CLIENT, X="x" * 20000),
             get(CLIENT, REQUEST_METHOD="HEAD"),
             fastcgi.request(asked, stdin=bytes(9000))]
    while True:
        request = chance.choice(whole)
        yield request[:chance.randrange(len(request))]


@pytest.mark.deep
def test_requests_that_are_cut_off(responder, tree):
    """Some then hang up, some half-close, some stay for a while."""
    seed = int(os.environ.get("PXESRV_TESTS_SEED") or random.getrandbits(32))
    print(f"PXESRV_TESTS_SEED={seed}")
    count = 1000 if place.IS_SANITIZED else 10000
    r = responder(PXESRV_THREADS="2")
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    rest = Rest(r)
    stay = collections.deque()
    slowest = 0
    for number, data in zip(range(count), broken_requests(seed)):
        peer = Connection(r.path, timeout=BOUND * 5)
        send(peer, data)
        if number % 3 == 0:
            peer.close()
        elif number % 3 == 1:
            peer.socket.shutdown(socket.SHUT_WR)
            assert peer.is_closed()  # and not when patience is over
            peer.close()
        else:
            stay.append(peer)
        if len(stay) > 300:
            stay.popleft().close()
        slowest = max(slowest, ask_in(r.path, BOUND / 10))
        assert tree.link(f"once/{CLIENT}"), f"used up by {data!r}"
    for peer in stay:
        peer.close()
    more = rest.is_back()
    assert tree.claimed() == []
    assert tree.link(f"once/.served/{CLIENT}") is None
    place.figure(f"{count} requests cut off at a random byte (seed {seed}): "
                 f"the next one within {slowest * 1000:.1f} ms; afterwards "
                 f"{more // 1024} kB more")


@pytest.mark.deep
@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("limit", [64, 20])
@pytest.mark.parametrize("at_once", [False, True])
def test_few_descriptors(responder, tree, limit, threads, at_once):
    """200 peers at a time, half of them well-behaved and armed."""
    r = responder(PXESRV_THREADS=str(threads),
                  preexec_fn=limit_descriptors(limit))
    armed = clients(100)
    tree.make(TREE)
    rest = Rest(r)
    whole = get()
    good, bad = {}, []
    for _ in range(3):
        for client in armed:
            tree.arm(client, "../os/boot")
        if at_once:
            r.halt()
        try:
            for number, client in enumerate(armed):
                bad.append(Connection(r.path))
                if number % 4:
                    send(bad[-1], whole[:number])
                if number % 4 == 3:
                    bad[-1].socket.shutdown(socket.SHUT_WR)
                good[client] = Connection(r.path)
                good[client].send(get(client, keep=number % 2 == 0))
        finally:
            r.go_on()
        got = {client: outcome(peer) for client, peer in good.items()}
        for peer in [*good.values(), *bad]:
            peer.close()
        until(lambda: not tree.claimed(), "the claims are settled")
        # There is room for each, sooner or later: not even a 503.
        for client in armed:
            assert got[client] and got[client].status == 200, got[client]
            assert got[client].body == b"os"
            assert tree.link(f"once/{client}") is None
            assert tree.link(f"once/.served/{client}")
            os.unlink(tree.full(f"once/.served/{client}"))
        ask_in(r.path, BOUND)
    rest.is_back()
