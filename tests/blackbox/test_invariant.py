# SPDX-License-Identifier: MIT
"""The invariant, while links are replaced faster than they are asked for."""
import threading

import pytest

import answer
import fastcgi
from deployments import meta_variables
from held import HeldSocket
from invariant import Ledger, frozen
from place import until
from tree import Directory

ROUNDS = 200


def ask(path, client):
    return answer.from_cgi(
        fastcgi.ask(path, meta_variables("GET", "/redirect", client)))


@pytest.fixture
def held(tmp_path, tree):
    tree.make({"default": "default", "once/.claimed": Directory(),
               "once/.served": Directory()})
    held = HeldSocket(str(tmp_path), env={"PXESRV_THREADS": "4"})
    yield held
    held.close()


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("clients", [1, 3])
def test_armings_faster_than_requests(held, tree, processes, clients):
    running = [held.start() for _ in range(processes)]
    ledger = Ledger(tree)
    names = [f"127.0.0.{n}" for n in range(10, 10 + clients)]
    over = threading.Event()
    failures = []

    def arm():
        while not over.is_set():
            for client in names:
                ledger.arm(client)

    def keep_asking():
        number = 0
        try:
            while not over.is_set():
                client = names[number % clients]
                ledger.answered(client, ask(held.path, client).body)
                number += 1
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=t) for t in [arm] + [keep_asking] * 6]
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
        for thread in threads:
            thread.join()
    assert not failures, failures[0]
    until(lambda: not tree.claimed(), "it is settled")
    for client in names:
        ledger.answered(client, ask(held.path, client).body)
    until(lambda: not tree.claimed(), "it is settled")
    ledger.check(nothing_failed=True)
    assert sum(ledger.answers.values()) > clients
