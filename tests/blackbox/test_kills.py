# SPDX-License-Identifier: MIT
"""The responder is killed at each system call of a request, and in storms.

Its socket outlives it, as systemd's does.
"""
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
from tree import Directory, Link

CLIENT = "127.0.0.7"
NAME = "node7"
STORM = 1000  # kills
PROCESSES = 2
# Far more than ask at a time: no root may have them all (root_limit.h).
THREADS = 16
CLIENTS = [f"127.0.{i}.{n}" for i in range(1, 5) for n in range(1, 26)]


@pytest.fixture
def make_held(tmp_path, tree):
    tree.make({"default": "default", "once/.claimed": Directory(),
               "once/.served": Directory(), "once/.lock": "",
               "os": Directory()})
    made = []

    def make(**env):
        made.append(HeldSocket(str(tmp_path), env=env))
        return made[-1]

    yield make
    for held in made:
        held.close()
    for name in tree.claimed():  # what the kills have left, on purpose
        os.unlink(tree.full(f"once/.claimed/{name}"))


def send(one, thread, path, request):
    """In two steps, so that each request makes the same calls."""
    def descriptors():
        try:
            return len(os.listdir(f"/proc/{one.pid}/fd"))
        except PermissionError:
            return 0  # it was killed: only root may still look

    before = descriptors()
    peer = fastcgi.Connection(path)
    until(lambda: not one.is_running() or (
        descriptors() > before and
        strace.is_waiting(thread)), "it is accepted")
    try:
        peer.send(request)
    except (BrokenPipeError, ConnectionResetError):
        pass  # what comes of it shows when the answer is read
    return peer


def start_warm(held):
    """A responder whose thread has its memory, and that thread."""
    one = held.start()
    place.settle_root()
    fastcgi.ask(held.path, meta_variables("GET", "/redirect", "127.0.0.8"))
    thread = strace.worker(one.pid)
    until(lambda: strace.is_waiting(thread), "the end")
    return one, thread


def calls_of(held, asked, arm, directory):
    """The calls of a request that is answered."""
    one, thread = start_warm(held)
    arm()
    watching = strace.Strace(thread, os.path.join(directory, "calls"))
    with send(one, thread, held.path, fastcgi.request(asked)) as peer:
        assert answer.from_cgi(peer.read_answer()).status == 200
    until(lambda: strace.is_waiting(thread), "the end")
    watching.detach()
    assert one.end() == 0
    return strace.calls_of_a_request(watching.text())


def killed_at(call, held, asked, arm, directory):
    """A responder is killed at this call. The connection of the request."""
    one, thread = start_warm(held)
    arm()
    killing = strace.Strace(thread, os.path.join(directory, "strace"),
                            f"{call.name}:signal=KILL:when={call.number}")
    peer = send(one, thread, held.path, fastcgi.request(asked))
    until(lambda: not one.is_running(), f"KILL at {call}")
    killing.detach()
    assert one.process.returncode == -signal.SIGKILL
    return peer


def answer_if_any(peer):
    """What was not accepted yet is the successor's. None: it was."""
    with peer:
        try:
            return answer.from_cgi(peer.read_answer())
        except (fastcgi.Closed, ConnectionResetError):
            return None


def answer_of(got, params):
    if "PXESRV_SEND" in params:
        path = got.headers["x-accel-redirect"]
        return os.path.basename(path).encode()
    return got.body


deep = pytest.mark.deep


@pytest.mark.parametrize("params", [
    pytest.param({}, id="inline"),
    pytest.param({"PXESRV_SEND": "x-accel-redirect"}, id="x-accel", marks=deep),
    pytest.param({"PXESRV_ONCE_GRACE": "3600"}, id="grace", marks=deep)])
def test_killed_at_each_call(make_held, tree, tmp_path, params):
    held = make_held(PXESRV_THREADS="1")
    asked = {**meta_variables("GET", "/redirect", CLIENT), **params}
    ledger = Ledger(tree)

    def arm():
        ledger.arm(CLIENT)

    calls = calls_of(held, asked, arm, str(tmp_path))
    assert len(calls) > 20
    left = {"armed": 0, "claimed": 0, "served": 0}

    for call in calls:
        for name in tree.claimed():
            os.unlink(tree.full(f"once/.claimed/{name}"))
        tree.clear_directory("once/.served")
        ledger = Ledger(tree)
        peer = killed_at(call, held, asked, arm, str(tmp_path))

        ledger.check()
        successor = held.start()
        got = answer_if_any(peer)
        if got is not None:
            ledger.answered(CLIENT, answer_of(got, params))
        until(lambda: strace.is_waiting(
            strace.worker(successor.pid)), "it is settled")
        (where,) = ledger.check()
        left[where] += 1
        with open(place.LOG) as log:
            named = f"once/.claimed/{CLIENT}." in log.read()
        assert named == (where == "claimed"), "a crash is reported at start"
        os.truncate(place.LOG, 0)

        # Armed is answered now; what a crash left is not armed by itself.
        got = answer.from_cgi(fastcgi.ask(held.path, {
            **asked, "PXESRV_ONCE_GRACE": "0"}))
        if where == "armed":
            ledger.answered(CLIENT, answer_of(got, params))
        else:
            assert answer_of(got, params) == b"default"
        assert successor.end() == 0
        ledger.check()
    assert left["armed"] and left["claimed"] and left["served"]
    place.figure(f"kills: at each of {len(calls)} calls of a once request "
                 f"({params}): the link was {left}")


def done_places(tree):
    return [where for where in ("until/", "until/.done/")
            if tree.link(where + NAME)]


def test_killed_at_each_call_of_done(make_held, tree, tmp_path):
    """The link is at one place, and only one that was told is at its end."""
    held = make_held(PXESRV_THREADS="1")
    tree.make({f"names/{CLIENT}": Link(NAME), "os/boot": "os",
               "until/.done": Directory()})
    left = {"until/": 0, "until/.done/": 0}
    asked = meta_variables("GET", "/done", CLIENT)

    def arm():
        os.symlink("../os/boot", tree.full(f"until/{NAME}"))

    calls = calls_of(held, asked, arm, str(tmp_path))
    assert len(calls) > 10
    assert "renameat" in {call.name for call in calls}

    for call in calls:
        for where in done_places(tree):
            os.unlink(tree.full(where + NAME))
        peer = killed_at(call, held, asked, arm, str(tmp_path))
        (where,) = done_places(tree)
        left[where] += 1
        successor = held.start()
        got = answer_if_any(peer)
        if got is not None:
            assert got.status == 200
            assert done_places(tree) == ["until/.done/"]
        # The installer asks again.
        (where,) = done_places(tree)
        got = answer.from_cgi(fastcgi.ask(held.path, asked))
        assert got.status == (200 if where == "until/" else 400)
        assert done_places(tree) == ["until/.done/"]
        assert successor.end() == 0
    assert left["until/"] and left["until/.done/"]


class Storm:
    """Clients that are armed and ask, while their responders end."""

    def __init__(self, held, ledger, named):
        self.held, self.ledger, self.named = held, ledger, named
        self.over = threading.Event()
        self.failures = []
        self.requests = itertools.count()
        self.threads = [
            threading.Thread(target=self.ask_all, args=(
                [key(client, named) for client in CLIENTS[i::4]],))
            for i in range(4)]

    def address(self, client, number):
        """Of one of its two cards, in turn, where it has a name."""
        if not self.named:
            return client
        return client.replace("node-", ["127.0", "127.9"][number % 2], 1)

    def ask_once(self, client):
        """Asks until there is an answer: nothing was sent twice meanwhile."""
        while True:
            address = self.address(client, next(self.requests))
            request = meta_variables("GET", "/redirect", address)
            try:
                got = answer.from_cgi(fastcgi.ask(self.held.path, request))
            except (fastcgi.Closed, ConnectionResetError, BrokenPipeError):
                continue
            assert got.status == 200, got
            self.ledger.answered(client, got.body)
            return

    def ask_all(self, clients):
        try:
            while not self.over.is_set():
                for client in clients:
                    self.ledger.arm(client)
                    self.ask_once(client)
        except BaseException as failure:
            self.failures.append(failure)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def key(client, named):
    """What its entry is called."""
    return client.replace("127.0", "node-", 1) if named else client


@deep
@pytest.mark.parametrize("number, named", [
    (signal.SIGKILL, False), (signal.SIGTERM, False), (signal.SIGKILL, True)],
    ids=["KILL", "TERM", "KILL, by name"])
def test_a_storm(make_held, tree, number, named):
    held = make_held(PXESRV_THREADS=str(THREADS))
    if named:
        tree.make({f"names/{card}": Link(key(client, named))
                   for client in CLIENTS
                   for card in (client, client.replace("127.0", "127.9", 1))})
    ledger = Ledger(tree)
    running = [held.start() for _ in range(PROCESSES)]
    with Storm(held, ledger, named) as storm:
        for count in range(STORM):
            victim = running.pop(0)
            status = victim.end(number)
            assert status == (-number if number == signal.SIGKILL else 0)
            held.running.remove(victim)
            running.append(held.start())
            if count % 50 == 0:
                with frozen(running):
                    ledger.check(under_way=True)
            assert not storm.failures, storm.failures[0]
    assert not storm.failures, storm.failures[0]
    for one in running:
        assert one.end() == 0
    # Served links are overwritten by later ones; what TERM ends is whole.
    counts = ledger.check(nothing_failed=number == signal.SIGTERM)
    answered = sum(ledger.answers.values())
    if number == signal.SIGTERM:
        assert answered == len(ledger.armings)
    lost = len(ledger.armings) - answered
    place.figure(
        f"storm{' by name' * named}: {STORM} {number.name} over {next(storm.requests)} requests: "
        f"of {len(ledger.armings)} armings {answered} were answered once, "
        f"none twice; {lost} were under way at a kill, "
        f"{counts['claimed']} of them left in once/.claimed")
