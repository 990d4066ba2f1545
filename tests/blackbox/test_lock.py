# SPDX-License-Identifier: MIT
"""once/.lock, when others hold it, or the file system is slow."""
import concurrent.futures
import contextlib
import fcntl
import os
import subprocess
import time

import pytest

import answer
import ctl
import fastcgi
import place
from deployments import meta_variables
from place import until
from tree import Directory, Link, Tree

TREE = {"default": "default", "os/boot": "os", "once/.lock": ""}
OTHER = "127.0.1.1"
# With TSan and ASan a thread of the sanitizer's is there as well.
no_strace = pytest.mark.skipif(
    place.IS_SANITIZED, reason="the sanitizers have threads of their own")


def ask(one, client, **params):
    variables = {**meta_variables("GET", "/redirect", client), **params}
    return answer.from_cgi(fastcgi.ask(one.path, variables))


def clients(count):
    return [f"127.0.2.{number}" for number in range(1, count + 1)]


def arm_all(tree, count):
    for client in clients(count):
        tree.arm(client, "../os/boot")


@contextlib.contextmanager
def held(tree):
    """By a process of its own, as somebody's would be."""
    process = subprocess.Popen(
        ["flock", tree.full("once/.lock"), "sh", "-c", "echo; exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(place.PATIENCE)


@contextlib.contextmanager
def slow(one, directory, call, milliseconds, root=place.ROOT):
    """All threads: each such call takes so long, in one tree."""
    process = subprocess.Popen(
        ["strace", "-f", "-p", str(one.pid), "-o", f"{directory}/{one.pid}",
         "-e", f"trace={call}", "-e",
         f"inject={call}:delay_enter={milliseconds * 1000}", "-P", root],
        stderr=subprocess.PIPE)
    # strace says it of the process, when it has all threads.
    assert b"attached" in process.stderr.readline()
    try:
        yield lambda: os.path.getsize(f"{directory}/{one.pid}")
    finally:
        process.terminate()
        process.stderr.read()
        process.stderr.close()
        process.wait(place.PATIENCE)


def notes():
    """What the log has that belongs to no request."""
    with open(place.LOG) as log:
        return [line for line in log if "once/.lock:" in line]


def test_one_that_is_held_stops_nobody_who_needs_none(responder, tree):
    one = responder()
    tree.make(TREE)
    arm_all(tree, 100)
    times = []
    with held(tree), concurrent.futures.ThreadPoolExecutor(100) as pool:
        start = time.monotonic()
        armed = [pool.submit(ask, one, client) for client in clients(100)]
        while not all(got.done() for got in armed):
            begin = time.monotonic()
            assert ask(one, OTHER).body == b"default"
            times.append(time.monotonic() - begin)
        took = time.monotonic() - start
        for got in armed:
            assert got.result().status == 503
            assert got.result().headers["retry-after"] == "5"
    place.figure(f"lock: held by another process, 100 armed machines ask: an "
                 f"unarmed one waits {max(times):.2f} s at most, all have "
                 f"their answers after {took:.1f} s")
    # One of them may wait for two seconds, and few threads for a moment.
    assert max(times) < 1.5 and took < 8, (max(times), took)
    # As soon as it is free, all is as before.
    assert {ask(one, client).body for client in clients(100)} == {b"os"}


def test_who_holds_it_is_told_once(responder, tree):
    one = responder()
    tree.make(TREE)
    arm_all(tree, 8)
    with held(tree) as holder:
        for _ in range(2):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda client: ask(one, client), clients(8)))
        [note] = notes()
        assert f"once/.lock: held by pid {holder.pid};" in note
        said = ctl.run("cancel", clients(1)[0])
        assert said.status == ctl.FOUND
        assert f"held by pid {holder.pid} (flock)" in said.err
        assert tree.link(f"once/{clients(1)[0]}")
        said = ctl.run("check")
        assert said.status == ctl.FOUND
        assert f"held by pid {holder.pid} (flock)" in said.out
    assert "once/.lock" not in ctl.run("check").out
    ctl.good("cancel", *clients(8))


@no_strace
@pytest.mark.parametrize("milliseconds, count", [(20, 40), (120, 8)])
def test_a_slow_file_system(responder, tree, tmp_path, milliseconds, count):
    """Nobody is turned away while the lock moves."""
    one = responder()
    tree.make(TREE)
    assert ask(one, OTHER).body == b"default"
    arm_all(tree, count)
    with slow(one, tmp_path, "renameat", milliseconds), \
            concurrent.futures.ThreadPoolExecutor(count) as pool:
        got = list(pool.map(lambda client: ask(one, client), clients(count)))
    assert [g.body for g in got] == [b"os"] * count


def test_nobody_is_turned_away_while_others_claim(responder, tree):
    """Another machine has the lock, again and again: its claims show it."""
    one = responder()
    tree.make({**TREE, "once/.claimed": Directory()})
    arm_all(tree, 2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with held(tree):
            asked = [pool.submit(ask, one, client) for client in clients(2)]
            # Three times as long as a lock may stand still.
            end = time.monotonic() + 0.6
            while time.monotonic() < end:
                os.mkdir(tree.full("once/.claimed/x"))
                os.rmdir(tree.full("once/.claimed/x"))
                time.sleep(0.01)
        assert [got.result().body for got in asked] == [b"os"] * 2


@no_strace
def test_a_slow_file_system_for_two_responders(responder, tree, tmp_path):
    """One has its turn late, since the other takes the lock again at once."""
    both = [responder(),
            responder(path="/run/pxesrv/second.sock")]
    tree.make({**TREE, "once/.claimed/x": Link("x")})
    os.unlink(tree.full("once/.claimed/x"))
    arm_all(tree, 48)
    with slow(both[0], tmp_path, "renameat", 20), \
            slow(both[1], tmp_path, "renameat", 20), \
            concurrent.futures.ThreadPoolExecutor(48) as pool:
        got = list(pool.map(
            lambda client: ask(both[int(client[8:]) % 2], client),
            clients(48)))
    assert [g.body for g in got] == [b"os"] * 48


@no_strace
def test_one_root_that_hangs_does_not_stop_another(
        responder, tree, tmp_path):
    one = responder(PXESRV_ROOT=None)
    tree.make({f"{root}/{name}": what for root in ("hangs", "goes")
               for name, what in TREE.items()})
    params = {root: {"PXESRV_ROOT": tree.full(root)}
              for root in ("hangs", "goes")}
    for root in params:
        for client in clients(8):
            Tree(tree.full(root), place.OWNER).arm(client, "../os/boot")
    with slow(one, tmp_path, "renameat", 3000, tree.full("hangs")) as seen, \
            concurrent.futures.ThreadPoolExecutor(8) as pool:
        first, *rest = clients(8)
        hanging = pool.submit(ask, one, first, **params["hangs"])
        until(seen, "it hangs")
        start = time.monotonic()
        assert ask(one, first, **params["goes"]).body == b"os"
        assert time.monotonic() - start < 1
        # Behind it they give up, each at once and none by waiting in line.
        behind = [pool.submit(ask, one, client, **params["hangs"])
                  for client in rest]
        assert {got.result().status for got in behind} == {503}
        assert time.monotonic() - start < 1.5
        assert not hanging.done()
        assert hanging.result().body == b"os"
    assert {ask(one, client, **params["hangs"]).body
            for client in rest} == {b"os"}
