# SPDX-License-Identifier: MIT
"""The invariant, while links are replaced faster than they are asked for."""
import itertools
import os
import signal
import threading

import pytest

import answer
import fastcgi
import place
import strace
from deployments import meta_variables
from held import HeldSocket
from invariant import Ledger, frozen
from place import until
from tree import Directory

ROUNDS = 200
# Armings for each request, on average. Were there no end to them, ext4 would
# be busy with looking for free inodes among those just deleted.
AHEAD = 4
CLIENT = "127.0.0.7"
ASKING = 6  # at a time
# Far more than that: no root may have them all (root_limit.h).
THREADS = 16


def ask(path, client):
    return answer.from_cgi(
        fastcgi.ask(path, meta_variables("GET", "/redirect", client)))


@pytest.fixture
def held(tmp_path, tree):
    tree.make({"default": "default", "once/.claimed": Directory(),
               "once/.served": Directory()})
    held = HeldSocket(str(tmp_path), env={"PXESRV_THREADS": str(THREADS)})
    yield held
    held.close()


@pytest.mark.parametrize("processes, clients", [
    (2, 3), *(pytest.param(*few, marks=pytest.mark.deep)
              for few in [(1, 1), (1, 3), (2, 1), (4, 1), (4, 3)])])
def test_armings_faster_than_requests(held, tree, processes, clients):
    running = [held.start() for _ in range(processes)]
    ledger = Ledger(tree)
    names = [f"127.0.0.{n}" for n in range(10, 10 + clients)]
    over = threading.Event()
    failures = []
    due = threading.Semaphore(AHEAD)

    def arm():
        for client in itertools.cycle(names):
            due.acquire()
            if over.is_set():
                return
            ledger.arm(client)

    def keep_asking():
        number = 0
        try:
            while not over.is_set():
                client = names[number % clients]
                given = ask(held.path, client)
                # The lock was held for long, by one that stood still.
                if not (given.status == 503 and given.body.endswith(
                        b"Resource temporarily unavailable\n")):
                    ledger.answered(client, given.body)
                number += 1
                due.release(AHEAD)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=target)
               for target in [arm] + [keep_asking] * ASKING]
    for thread in threads:
        thread.start()
    try:
        seen = 0
        while seen < ROUNDS and not failures:
            before = len(ledger.armings)
            with frozen(running):
                ledger.check(under_way=True)
            seen += 1
            until(lambda: len(ledger.armings) > before, "another arming")
    finally:
        over.set()
        due.release()
        for thread in threads:
            thread.join()
    assert not failures, failures[0]
    until(lambda: not tree.claimed(), "it is settled")
    for client in names:
        ledger.answered(client, ask(held.path, client).body)
    until(lambda: not tree.claimed(), "it is settled")
    ledger.check(nothing_failed=True)
    assert sum(ledger.answers.values()) > clients


@pytest.mark.parametrize("read", [1, 2], ids=["locked", "moved"])
def test_an_arming_just_before(held, tree, tmp_path, read):
    """The link is replaced right after it was read; whoever arms locks nothing.

    read: how often it was read by then, the last time under the lock."""
    held.env["PXESRV_THREADS"] = "1"
    tree.make({"os": Directory()})
    one = held.start()
    place.settle_root()
    assert ask(held.path, CLIENT).body == b"default"
    thread = strace.worker(one.pid)
    ledger = Ledger(tree)
    ledger.arm(CLIENT)
    stopping = strace.Strace(thread, str(tmp_path / "strace"),
                             f"readlinkat:signal=STOP:when={read}")
    with fastcgi.Connection(held.path) as peer:
        peer.send(fastcgi.request(meta_variables("GET", "/redirect", CLIENT)))
        os.waitid(os.P_PID, one.pid, os.WSTOPPED)
        stopping.detach()
        newest = ledger.arm(CLIENT)
        one.process.send_signal(signal.SIGCONT)
        got = answer.from_cgi(peer.read_answer())
    assert got.body.decode() == newest
    ledger.answered(CLIENT, got.body)
    until(lambda: not tree.claimed() and ledger.is_served(CLIENT),
          "it is settled")
    ledger.check(nothing_failed=True)
