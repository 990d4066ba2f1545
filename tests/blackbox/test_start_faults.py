# SPDX-License-Identifier: MIT
"""The start of the responder, and each of its allocations, fail in turn."""
import concurrent.futures
import os
import re
import select
import shutil
import subprocess

import pytest

import answer
import fastcgi
import place
from deployments import meta_variables
from held import HeldSocket
from place import children_of, until
from tree import Directory

CLIENT, OTHER = "127.0.0.7", "127.0.0.8"
ERRORS = ["EINTR", "EIO", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EACCES",
          "EPERM", "ENOENT", "EINVAL", "ENOSYS", "EAGAIN"]
# With what they are given here these can't fail, and the C library relies on
# it; brk(2) tells of no error, but where the break is.
CANNOT_FAIL = {"arch_prctl", "brk", "futex", "munmap", "rseq",
               "rt_sigaction", "rt_sigprocmask", "set_robust_list",
               "set_tid_address"}
# 127: the dynamic linker's; the others are sysexits(3).
EXITS = {64, 70, 71, 78, 127}
MODULE = os.path.join(os.environ.get("PXESRV_TESTS_BUILD", ""),
                      "tests/preload/fail_malloc.so")


class Start:
    """One start of a responder on a socket of its own, by some command."""

    def __init__(self, held, command, env=None):
        variables = place.clean_env(**{**held.env, **(env or {})})
        self.held = held
        self.process = subprocess.Popen(
            [*command, place.FCGI], env=variables, stdin=held.socket,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            **place.AS_USER)

    def ask(self, client):
        """The answer; None when it ends, or closes the connection."""
        with fastcgi.Connection(self.held.path) as peer:
            peer.send(fastcgi.request(
                meta_variables("GET", "/redirect", client)))
            # That one never closes when it ends: the socket is held.
            until(lambda: select.select([peer.socket], [], [], 0.02)[0] or
                  self.process.poll() is not None, "an answer, or the end")
            if not select.select([peer.socket], [], [], 0)[0]:
                return None
            try:
                return answer.from_cgi(peer.read_answer())
            except (fastcgi.Closed, ConnectionResetError):
                return None

    def end(self):
        """Ends it, if it runs; its exit status and what it said."""
        if self.process.poll() is None:
            # strace passes the signal on to nobody: ask its child.
            for pid in children_of(self.process.pid) or [self.process.pid]:
                os.kill(pid, 15)
        said = self.process.communicate(timeout=place.PATIENCE)[1].decode()
        return self.process.returncode, said


@pytest.fixture
def lanes(tree):
    tree.make({"default": "default", "os/boot": "os", "once/.lock": "",
               "once/.claimed": Directory(), "once/.served": Directory(),
               "until": Directory()})
    lanes = []
    for number in range(2):
        # Where the responder's user can write, too.
        directory = f"{place.SERVERS}/start{number}"
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o777)
        lanes.append(HeldSocket(
            directory, path=f"/run/pxesrv/start{number}.sock",
            env={"PXESRV_THREADS": "1"}))
        lanes[-1].directory = directory
    yield lanes
    for lane in lanes:
        lane.close()


def in_lanes(lanes, todo, check):
    """Checks all that is to be done, in all lanes; what failed."""
    failures = []

    def work(lane):
        while todo and len(failures) < 20:
            what = todo.pop()
            try:
                check(lane, *what)
            except AssertionError as failure:
                failures.append(f"{what}: {failure}")

    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        for done in [pool.submit(work, lane) for lane in lanes]:
            done.result()
    return failures


def calls_of_the_start(lane):
    trace = os.path.join(lane.directory, "calls")
    one = Start(lane, ["strace", "-f", "-o", trace])
    assert one.ask(OTHER).body == b"default"
    assert one.end()[0] == 0
    with open(trace) as file:
        lines = [line.split(None, 1) for line in file]
    main = lines[0][0]
    numbers, calls = {}, []
    begun = False  # before that it is the dynamic linker's
    for pid, line in lines:
        found = re.match(r"(\w+)\(", line)
        if pid != main or not found:
            continue
        name = found[1]
        numbers[name] = numbers.get(name, 0) + 1
        if name == "poll":  # it has started
            break
        begun = begun or place.ROOT in line
        if begun and name not in CANNOT_FAIL:
            calls.append((name, numbers[name]))
    return calls


@pytest.mark.deep
def test_each_call_of_the_start_fails(lanes, tree):
    calls = calls_of_the_start(lanes[0])
    assert len(calls) > 30
    todo = [(*call, error) for call in calls for error in ERRORS]
    count = len(todo)

    def check(lane, name, number, error):
        one = Start(lane, ["strace", "-f", "-o", "/dev/null", "-e",
                           f"trace={name}", "-e",
                           f"inject={name}:error={error}:when={number}"])
        # The worker's calls of the same number fail, too.
        got = one.ask(OTHER) or one.ask(OTHER)
        status, said = one.end()
        if got is not None:
            assert got.status in (200, 403, 404, 503), got
            assert status == 0, f"{status}: {said}"
        else:
            assert status in EXITS, f"{status}: {said}"
            assert said, "it ends without a word"

    failures = in_lanes(lanes, todo, check)
    assert not failures, "\n".join(failures)
    place.figure(f"start: {count} points, {len(calls)} calls with "
                 f"{len(ERRORS)} errors")


@pytest.mark.skipif(place.IS_SANITIZED, reason="they allocate in their own way")
def test_each_allocation_fails(lanes, tree):
    # ld.so(8) takes a space for the end of a name.
    module = shutil.copy(MODULE, place.SERVERS)
    preload = {"LD_PRELOAD": module}
    counted = "/var/log/allocations"  # where a log may be written, too

    def arm(lane):
        client = f"127.0.1.{lanes.index(lane) + 1}"
        tree.arm(client, "../os/boot")
        return client

    client = arm(lanes[0])
    one = Start(lanes[0], [], {**preload, "FAIL_MALLOC_COUNT": counted})
    assert one.ask(client).body == b"os"
    assert one.end()[0] == 0
    with open(counted) as file:
        total = int(file.read())
    os.unlink(counted)
    assert total > 20
    todo = [(number, when) for number in range(1, total + 1)
            for when in ("", "+")]
    count = len(todo)
    aborted = []

    def check(lane, number, when):
        client = arm(lane)
        one = Start(lane, [], {**preload, "FAIL_MALLOC": f"{number}{when}"})
        got = one.ask(client)
        if got is not None and not when:
            again = one.ask(OTHER)
            assert again is None or again.body == b"default"
        status, said = one.end()
        # libfcgi asserts that it gets what it asks for; without memory the
        # C library can't even say so.
        if status == -6 and re.search("Assert|Unexpected error", said):
            aborted.append(number)
        else:
            assert status == 0 or (status in EXITS and said), (status, said)
        armed = tree.link(f"once/{client}")
        # There are those of the other lane, too.
        assert not [name for name in tree.claimed()
                    if name.startswith(client + ".")]
        assert (armed is None) == (got is not None and got.body == b"os"), got

    failures = in_lanes(lanes, todo, check)
    assert not failures, "\n".join(failures)
    place.figure(f"allocations: {count} points, {total} allocations, once "
                 f"and for ever; at {len(set(aborted))} of them libfcgi "
                 "ended the process, nothing claimed")
