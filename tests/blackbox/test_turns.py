# SPDX-License-Identifier: MIT
"""Workers that are held up, and those that stand by for them."""
import os
import time

import pytest

import place
import strace
from crowd import ask_default, get
from fastcgi import Connection
from place import PATIENCE, until
from responder import Responder
from tree import Link

SLOW = "127.0.0.7"  # who takes nothing of a large file
LARGE = bytes(8 << 20)
THREADS = 8


@pytest.fixture
def responder(tmp_path, tree):
    tree.make({"default": "default", "os/large": LARGE,
               f"static/{SLOW}": Link("../os/large")})
    one = Responder(str(tmp_path / "stderr"),
                    env={"PXESRV_THREADS": str(THREADS)})
    yield one
    one.stop()


def threads(one):
    return [int(t) for t in os.listdir(f"/proc/{one.pid}/task")
            if int(t) != one.pid]


def held_up(one):
    return sum(map(strace.is_held_up, threads(one)))


def hold_up(one, count):
    """So many workers, each by a peer of its own."""
    peers = []
    for number in range(1, count + 1):
        peer = Connection(one.path)
        peer.send(get(SLOW))
        peers.append(peer)
        until(lambda: held_up(one) == number, "one more is held up")
    return peers


def finish(peers):
    for peer in peers:
        assert peer.read_answer().endswith(LARGE)
        peer.close()


def test_one_that_is_not_held_up_answers_the_others(responder):
    peers = hold_up(responder, THREADS - 1)
    for _ in range(50):
        assert ask_default(responder.path) < PATIENCE
    finish(peers)


def test_one_request_waits_when_all_are_held_up(responder):
    peers = hold_up(responder, THREADS)
    with Connection(responder.path) as last:
        last.send(get())
        last.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            last.socket.recv(1)
        last.socket.settimeout(PATIENCE)
        finish(peers[:1])
        assert last.read_answer().endswith(b"\r\n\r\ndefault")
    finish(peers[1:])


def test_held_up_again_and_again(responder):
    """Turns are neither lost nor made when they go from hand to hand."""
    for count in (1, THREADS, 2, THREADS - 1, 3):
        finish(hold_up(responder, count))
        ask_default(responder.path)


def switches(one):
    """How often its threads went to sleep."""
    total = 0
    for thread in threads(one) + [one.pid]:
        with open(f"/proc/{one.pid}/task/{thread}/status") as file:
            total += sum(int(line.split()[1]) for line in file
                         if line.startswith("voluntary_ctxt"))
    return total


@pytest.mark.skipif(place.IS_SANITIZED, reason="they have threads of their own")
def test_nobody_wakes_up_without_a_request(responder):
    ask_default(responder.path)

    def is_quiet():
        before = switches(responder)
        time.sleep(0.5)
        return switches(responder) == before

    until(is_quiet, "all sleep")
    # Nor with a connection that is kept, or that has said nothing.
    with Connection(responder.path) as kept, Connection(responder.path):
        kept.send(get(keep=True))
        kept.read_answer()
        until(is_quiet, "all sleep")
        kept.send(get(keep=True))
        kept.read_answer()
