# SPDX-License-Identifier: MIT
"""Once means once."""
import concurrent.futures
import fcntl
import os
import signal
import subprocess
import threading
import time

import pytest

import answer
import fastcgi
import place
import strace
from deployments import Cgi, meta_variables
from place import until
from tree import Directory, Link

CLIENT = "127.0.0.7"
COARSE = 5  # CLOCK_REALTIME_COARSE: what a file system tells time by
TREE = {"default": "default", "os/boot": "os"}


def ask(path, client=CLIENT, **params):
    variables = {**meta_variables("GET", "/redirect", client), **params}
    return answer.from_cgi(fastcgi.ask(path, variables))


@pytest.mark.parametrize("kind", ["two responders", "a responder and CGI"])
def test_of_simultaneous_requests_exactly_one_wins(
        responder, tree, tmp_path, kind):
    """300 rounds of 8 requests over two processes."""
    tree.make(TREE)
    a = responder(PXESRV_THREADS="4")
    if kind == "two responders":
        b = responder(PXESRV_THREADS="4", path="/run/pxesrv/second.sock")
        asks = [lambda: ask(a.path), lambda: ask(b.path)] * 4
        rounds = 300
    else:
        cgi = Cgi(str(tmp_path))
        asks = [lambda: ask(a.path), cgi.ask] * 4
        rounds = 100
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for number in range(rounds):
            target = f"../os/boot{number}"
            tree.add(target[3:], f"os {number}")
            tree.arm(CLIENT, target)
            barrier = threading.Barrier(8)

            def at_once(one):
                barrier.wait()
                return one()

            got = list(pool.map(at_once, asks))
            bodies = sorted(g.body for g in got)
            assert all(g.status == 200 for g in got), got
            assert bodies == [b"default"] * 7 + [b"os %d" % number]
            until(lambda: tree.link(f"once/.served/{CLIENT}") == target,
                  "it is settled")
            assert tree.claimed() == []


def test_armings_faster_than_requests(responder, tree):
    """Each link that leaves once/ is served, or was replaced."""
    tree.make(TREE)
    r = responder(PXESRV_THREADS="4")
    armed, served = set(), []
    stop = threading.Event()

    def arm():
        number = 0
        while not stop.is_set():
            tree.add(f"os/n{number}", f"{number}")
            tree.arm(CLIENT, f"../os/n{number}")
            armed.add(str(number).encode())
            number += 1

    operator = threading.Thread(target=arm)
    operator.start()
    try:
        for _ in range(500):
            served.append(ask(r.path).body)
    finally:
        stop.set()
        operator.join()
    served = [body for body in served if body != b"default"]
    assert served, "nothing was ever served"
    assert len(served) == len(set(served)), "served twice"
    assert set(served) <= armed
    until(lambda: not tree.claimed(), "all is settled")


def test_the_lock_is_waited_for_but_not_for_ever(responder, tree):
    r = responder()
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot"), "once/.lock": ""})
    with open(tree.full("once/.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        got = ask(r.path)
        assert got.status == 503 and got.headers["retry-after"] == "5"
        assert got.body.startswith(f"# once/{CLIENT} -> ../os/boot: ".encode())
        assert tree.link(f"once/{CLIENT}") == "../os/boot"
        until(lambda: not place.has_open(r.pid, lock.name), "it is closed")
        assert ask(r.path, "127.0.0.8").body == b"default"
        threading.Timer(0.3, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        assert ask(r.path).body == b"os"


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can make it sticky "
                    "and another user's")
@pytest.mark.parametrize("name, mode", [
    ("sticky", 0o1777), ("not writable", 0o755)])
def test_a_link_that_cannot_be_moved(responder, tree, name, mode):
    r = responder()
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    tree.add("once/.claimed/x", "x")
    os.unlink(tree.full("once/.claimed/x"))
    os.chown(tree.full("once"), 0, 0)
    os.chown(tree.full(f"once/{CLIENT}"), 0, 0, follow_symlinks=False)
    os.chmod(tree.full("once"), mode)
    got = ask(r.path)
    assert got.status == 503 and got.headers["retry-after"] == "5"
    assert got.body.startswith(f"# once/{CLIENT} -> ../os/boot: ".encode())
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    os.chmod(tree.full("once"), 0o777)
    assert ask(r.path).body == b"os"


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_claimed_on_another_mount(responder, tree):
    r = responder()
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    os.mkdir(tree.full("once/.claimed"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "tmpfs",
                    tree.full("once/.claimed")], check=True)
    try:
        got = ask(r.path)
        assert got.status == 503
        assert got.body.endswith(b": Invalid cross-device link\n")
        assert tree.link(f"once/{CLIENT}") == "../os/boot"
    finally:
        subprocess.run(["umount", tree.full("once/.claimed")], check=True)
    os.chown(tree.full("once/.claimed"), *place.OWNER)
    assert ask(r.path).body == b"os"


@pytest.mark.skipif(place.IS_SANITIZED,
                    reason="the sanitizers have threads of their own")
@pytest.mark.parametrize("has_been_served", [False, True])
def test_a_claim_that_cannot_be_read_back(
        responder, tree, tmp_path, has_been_served):
    """It is armed again, whatever the memory had that it is written to."""
    r = responder(PXESRV_THREADS="1")
    tree.make({**TREE, "once": Directory()})
    place.settle_root()
    assert ask(r.path, "127.0.0.8").body == b"default"
    if has_been_served:
        tree.arm(CLIENT, "../os/boot")
        assert ask(r.path).body == b"os"
    tree.arm(CLIENT, "../os/boot")
    thread = strace.worker(r.pid)
    until(lambda: strace.is_waiting(thread), "it waits")
    # After the look, and the one under the lock.
    failing = strace.Strace(thread, str(tmp_path / "calls"),
                            "readlinkat:error=EIO:when=3")
    got = ask(r.path)
    failing.detach()
    assert failing.has_injected()
    assert (got.status, got.headers["retry-after"]) == (503, "5")
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    assert tree.claimed() == []
    assert ask(r.path).body == b"os"


def test_grace(responder, tree):
    r = responder(PXESRV_ONCE_GRACE="3600")
    tree.make({**TREE, "os/other": "other", "static/" + CLIENT: "static"})
    tree.arm(CLIENT, "../os/boot")
    assert [ask(r.path).body for _ in range(3)] == [b"os"] * 3
    assert tree.link(f"once/.served/{CLIENT}") == "../os/boot"
    assert ask(r.path, "127.0.0.8").body == b"default"
    # A newly armed link wins over a grace.
    tree.arm(CLIENT, "../os/other")
    assert [ask(r.path).body for _ in range(2)] == [b"other"] * 2
    # Its target is looked at as any other is.
    os.unlink(tree.full("os/other"))
    got = ask(r.path)
    assert got.status == 404
    assert got.body == (f"# once/{CLIENT} -> ../os/other: "
                        "No such file or directory\n").encode()
    # Without it, and when it is over, the next entry decides.
    assert ask(r.path, PXESRV_ONCE_GRACE="0").body == b"static"


def test_a_grace_ends(responder, tree):
    r = responder(PXESRV_ONCE_GRACE="1")
    tree.make(TREE)
    tree.arm(CLIENT, "../os/boot")
    assert ask(r.path).body == b"os"
    time.sleep(1.1)  # the setting's own unit
    assert ask(r.path).body == b"default"
    # What does not claim does not renew it.
    os.chown(tree.full(f"once/.served/{CLIENT}"), *place.OWNER,
             follow_symlinks=False)
    assert ask(r.path).body == b"default"


def test_a_lock_file_that_is_replaced_while_it_is_waited_for(responder, tree):
    r = responder()
    tree.make({**TREE, "once/.lock": ""})
    tree.arm(CLIENT, "../os/boot")
    with open(tree.full("once/.lock")) as old, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        fcntl.flock(old, fcntl.LOCK_EX)
        waiting = pool.submit(ask, r.path)
        until(lambda: place.has_open(r.pid, old.name), "it waits")
        os.unlink(old.name)
        tree.add("once/.lock", "")
        with open(tree.full("once/.lock")) as new:
            fcntl.flock(new, fcntl.LOCK_EX)
            fcntl.flock(old, fcntl.LOCK_UN)
            assert waiting.result().status == 503
            assert tree.link(f"once/{CLIENT}")
    assert ask(r.path).body == b"os"


@pytest.mark.parametrize("how", ["hangs up", "half-closes", "aborts"])
def test_a_peer_that_goes_while_the_lock_is_waited_for(responder, tree, how):
    r = responder()
    tree.make({**TREE, "once/.lock": ""})
    tree.arm(CLIENT, "../os/boot")
    with open(tree.full("once/.lock")) as lock, \
            fastcgi.Connection(r.path) as peer:
        fcntl.flock(lock, fcntl.LOCK_EX)
        peer.send(fastcgi.request(meta_variables("GET", "/redirect", CLIENT)))
        until(lambda: place.has_open(r.pid, lock.name), "it waits")
        if how == "hangs up":
            peer.close()
        elif how == "half-closes":
            peer.socket.shutdown(1)
        else:
            peer.send(fastcgi.record(fastcgi.ABORT))
        fcntl.flock(lock, fcntl.LOCK_UN)
        until(lambda: not place.has_open(r.pid, lock.name), "it has the lock")
        until(lambda: not tree.claimed() and "GET" in open(place.LOG).read(),
              "it is settled")
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    assert tree.link(f"once/.served/{CLIENT}") is None


@pytest.fixture
def under_way(responder, tree):
    """A responder with a grace, and a large answer that is not taken yet."""
    r = responder(PXESRV_ONCE_GRACE="3600")
    tree.make({**TREE, "os/large": bytes(8 << 20)})
    tree.arm(CLIENT, "../os/large")
    with fastcgi.Connection(r.path) as first:
        first.send(fastcgi.request(meta_variables("GET", "/redirect", CLIENT)))
        first._exactly(1000)
        assert len(tree.claimed()) == 1
        yield r, first


def test_a_grace_while_the_first_answer_is_under_way(under_way, tree):
    r, first = under_way
    head = ask(r.path, REQUEST_METHOD="HEAD")
    assert head.length == 8 << 20
    first.close()
    until(lambda: tree.link(f"once/{CLIENT}"), "it is put back")


def test_a_grace_that_was_delivered_arms_nothing_again(under_way, tree):
    """The first of two answers breaks off, after the second one came whole."""
    r, first = under_way
    assert ask(r.path).body == bytes(8 << 20)
    until(lambda: not tree.claimed(), "it is settled")
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"
    first.close()
    until(lambda: open(place.LOG).read().count("GET") == 2, "both are over")
    assert tree.link(f"once/{CLIENT}") is None
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"


@pytest.fixture
def again(under_way):
    """And a second one, by the grace, when the first has broken off."""
    r, first = under_way
    with fastcgi.Connection(r.path) as second:
        second.send(fastcgi.request(
            meta_variables("GET", "/redirect", CLIENT)))
        second.read_record()
        first.close()
        until(lambda: "not delivered" in open(place.LOG).read(),
              "the first is over")
        yield r, second


def finish(connection):
    while connection.read_record()[0] != fastcgi.END:
        pass
    until(lambda: "again, by" in open(place.LOG).read(), "the grace is over")


def test_a_grace_under_way_keeps_the_first_from_arming_again(again, tree):
    finish(again[1])
    assert tree.link(f"once/{CLIENT}") is None
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"


def test_a_grace_settles_no_other_claim(again, tree):
    """One that was armed anew meanwhile goes back when it breaks off."""
    r, second = again
    tree.arm(CLIENT, "../os/../os/large")
    with fastcgi.Connection(r.path) as third:
        third.send(fastcgi.request(meta_variables("GET", "/redirect", CLIENT)))
        third.read_record()
        finish(second)
    until(lambda: tree.link(f"once/{CLIENT}"), "it is put back")
    assert tree.link(f"once/{CLIENT}") == "../os/../os/large"


@pytest.mark.parametrize("then", ["served", "under way"])
def test_a_link_that_was_overtaken_is_not_armed_again(responder, tree, then):
    """Its answer breaks off, after the client was armed anew and asked."""
    r = responder()
    tree.make({**TREE, "os/large": bytes(8 << 20), "os/huge": bytes(9 << 20)})
    tree.arm(CLIENT, "../os/large")
    asked = fastcgi.request(meta_variables("GET", "/redirect", CLIENT))
    with fastcgi.Connection(r.path) as first, \
            fastcgi.Connection(r.path) as second:
        first.send(asked)
        first._exactly(1000)
        claim = os.lstat(tree.full(f"once/.claimed/{tree.claimed()[0]}"))
        until(lambda: time.clock_gettime_ns(COARSE) > claim.st_mtime_ns,
              "a later time for the next claim")
        tree.arm(CLIENT, "../os/huge")
        if then == "served":
            assert len(ask(r.path).body) == 9 << 20
            until(lambda: len(tree.claimed()) == 1, "it is settled")
        else:
            second.send(asked)
            second._exactly(1000)
        first.close()
        until(lambda: "armed anew" in open(place.LOG).read(), "it is over")
        assert tree.link(f"once/{CLIENT}") is None
        if then == "under way":
            assert len(tree.claimed()) == 1
            second.close()
            until(lambda: tree.link(f"once/{CLIENT}") == "../os/huge",
                  "the later one is armed again")
        else:
            assert tree.link(f"once/.served/{CLIENT}") == "../os/huge"
            (left,) = tree.claimed()
            assert f"left at once/.claimed/{left}" in open(place.LOG).read()
            os.unlink(tree.full(f"once/.claimed/{left}"))


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can give it away")
def test_grace_for_a_link_of_another_user(responder, tree):
    """As administrators arm it; its time can't be set at will."""
    r = responder(PXESRV_ONCE_GRACE="3600")
    tree.make(TREE)
    tree.arm(CLIENT, "../os/boot")
    path = tree.full(f"once/{CLIENT}")
    os.chown(path, 0, 0, follow_symlinks=False)
    os.utime(path, (1, 1), follow_symlinks=False)
    assert [ask(r.path).body for _ in range(2)] == [b"os"] * 2


@pytest.fixture
def from_the_future(responder, tree):
    """What was served has a time ahead: somebody has set the clock back."""
    r = responder(PXESRV_ONCE_GRACE="3600")
    tree.make({**TREE, "os/large": bytes(8 << 20),
               f"once/.served/{CLIENT}": Link("../os/boot")})
    ahead = time.time() + 2 * 3600
    os.utime(tree.full(f"once/.served/{CLIENT}"), (ahead, ahead),
             follow_symlinks=False)
    return r


def test_a_grace_from_the_future(from_the_future):
    assert ask(from_the_future.path).body == b"default"


def test_a_link_goes_back_beside_one_from_the_future(from_the_future, tree):
    tree.arm(CLIENT, "../os/large")
    with fastcgi.Connection(from_the_future.path) as peer:
        peer.send(fastcgi.request(meta_variables("GET", "/redirect", CLIENT)))
        peer._exactly(1000)
    until(lambda: tree.link(f"once/{CLIENT}") == "../os/large",
          "it is armed again")


def test_a_hard_link_to_what_was_served(responder, tree):
    """ln without -s makes one of a link; rename(2) leaves both names."""
    r = responder()
    tree.make({**TREE, f"once/.served/{CLIENT}": Link("../os/boot")})
    os.link(tree.full(f"once/.served/{CLIENT}"), tree.full(f"once/{CLIENT}"),
            follow_symlinks=False)
    assert [ask(r.path).body for _ in range(2)] == [b"os", b"default"]
    until(lambda: not tree.claimed(), "it is settled")
    assert tree.link(f"once/.served/{CLIENT}") == "../os/boot"


def test_what_a_crash_left_is_reported_and_not_armed(responder, tree):
    tree.make({**TREE, f"once/.claimed/{CLIENT}.0123456789abcdef":
               Link("../os/boot")})
    r = responder()
    assert ask(r.path).body == b"default"
    assert tree.claimed() == [f"{CLIENT}.0123456789abcdef"]
    with open(place.LOG) as log:
        assert f"once/.claimed/{CLIENT}.0123456789abcdef" in log.readline()
    os.unlink(tree.full(f"once/.claimed/{CLIENT}.0123456789abcdef"))


def test_term_under_load_loses_no_link(responder, tree):
    """Clients ask as fast as they can; what was claimed was answered."""
    tree.make(TREE)
    clients = [f"127.0.{i // 250}.{i % 250 + 1}" for i in range(1000)]
    times = []
    for round_number in range(5):
        r = responder(PXESRV_THREADS="4")
        for client in clients:
            tree.arm(client, "../os/boot")
        answered = set()

        def drain(part):
            for client in part:
                try:
                    if ask(r.path, client).body == b"os":
                        answered.add(client)
                except (fastcgi.Closed, OSError):
                    return

        threads = [threading.Thread(target=drain, args=(clients[i::8],))
                   for i in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: len(answered) > 50 * (round_number + 1), "some answers")
        start = time.monotonic()
        assert r.end(signal.SIGTERM) == 0
        times.append(time.monotonic() - start)
        assert times[-1] < 4  # less than peers are cut off
        for thread in threads:
            thread.join()
        armed = {c for c in clients if tree.link(f"once/{c}")}
        assert tree.claimed() == []
        assert not armed & answered
        assert armed | answered == set(clients), "used up without an answer"
        assert armed, "all were served before TERM came: no test"
    assert min(times) < 2  # on a busy machine, too
