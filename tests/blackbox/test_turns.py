# SPDX-License-Identifier: MIT
"""Workers whom the disk holds up, and those that stand by for them."""
import contextlib
import os
import select
import subprocess
import time

import pytest

import answer
import place
from crowd import ask_default, get
from fastcgi import Connection
from hanging import READ, Endless, Hanging
from place import PATIENCE, until
from responder import Responder

CLIENT = "127.0.0.7"  # whose boot file lies on the disk that hangs
HELD = b"on the disk"
THREADS = 8
MANY = 64  # threads, and roots on that disk
BUSY = b"# The boot server's disk does not answer now\n"

on_a_disk_that_hangs = pytest.mark.skipif(
    not place.AS_ROOT, reason="only root can mount file systems")


@contextlib.contextmanager
def started(tmp_path, tree, threads, disk=None):
    """A responder that learns its root from each request."""
    tree.make({"default": "default"})
    one = Responder(str(tmp_path / "stderr"),
                    env={"PXESRV_ROOT": None, "PXESRV_THREADS": threads})
    try:
        yield one
    finally:
        if disk:
            disk.release()  # who waits for it can't even be killed
        one.stop()


@pytest.fixture
def responder(tmp_path, tree):
    with started(tmp_path, tree, str(THREADS)) as one:
        yield one


@pytest.fixture
def disk():
    """A file system of its own with many roots."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("the kernel has no FUSE here")
    directory = "/run/pxesrv/disk"
    os.mkdir(directory)
    one = Hanging(directory, {
        f"endless/static/{CLIENT}": Endless(),
        **{f"{number}/static/{CLIENT}": HELD for number in range(MANY)}})
    yield one
    one.close()
    os.rmdir(directory)


def threads(one):
    return [int(t) for t in os.listdir(f"/proc/{one.pid}/task")
            if int(t) != one.pid]


def ask_disk(one, disk, root):
    """A peer that has asked for what lies in one of its roots."""
    peer = Connection(one.path)
    peer.send(get(CLIENT, PXESRV_ROOT=f"{disk.directory}/{root}"))
    return peer


def hold_up(one, disk, count):
    """So many workers, each in a root of its own."""
    disk.hold()
    peers = []
    for number in range(count):
        peers.append(ask_disk(one, disk, number))
        disk.wait_for(number + 1)
    return peers


def served():
    """Answers of the disk that are over."""
    with open(place.LOG) as log:
        return sum(line.startswith(CLIENT) and '" 200 ' in line for line in log)


def finish(peers):
    for peer in peers:
        assert answer.from_cgi(peer.read_answer()).body == HELD
        peer.close()


@on_a_disk_that_hangs
def test_one_that_is_not_held_up_answers_the_others(responder, disk):
    peers = hold_up(responder, disk, THREADS - 1)
    for _ in range(50):
        assert ask_default(responder.path) < PATIENCE
    disk.wait_for(THREADS - 1)
    disk.release()
    finish(peers)


def take_all(peer):
    """All that an answer has so far."""
    peer.socket.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while peer.socket.recv(1 << 16):
            pass


@on_a_disk_that_hangs
def test_a_disk_that_hangs_while_answers_are_sent(tmp_path, tree, disk):
    """Those who only go on with an answer are no more than others."""
    with started(tmp_path, tree, str(THREADS), disk) as one:
        peers = []
        for _ in range(2 * THREADS):
            # One by one, so that none is refused yet.
            peers.append(ask_disk(one, disk, "endless"))
            assert b"Status: 200" in peers[-1].read_record()[2]
            until(lambda: one.sending() == len(peers), "it waits for its peer")
        disk.hold(READ)
        for peer in peers:
            take_all(peer)
        disk.wait_for(THREADS * 3 // 4)
        for _ in range(20):
            assert ask_default(one.path) < PATIENCE
        disk.release()
        for peer in peers:
            peer.socket.settimeout(PATIENCE)
            assert peer.socket.recv(1)
            peer.close()


@on_a_disk_that_hangs
def test_one_request_waits_when_all_are_held_up(responder, disk):
    peers = hold_up(responder, disk, THREADS)
    with Connection(responder.path) as last:
        last.send(get())
        last.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            last.socket.recv(1)
        last.socket.settimeout(PATIENCE)
        disk.release(1)
        assert last.read_answer().endswith(b"\r\n\r\ndefault")
    disk.wait_for(THREADS - 1)
    disk.release()
    finish(peers)


@on_a_disk_that_hangs
def test_held_up_again_and_again(responder, disk):
    """Turns are neither lost nor made when they go from hand to hand."""
    for count in (1, THREADS, 2, THREADS - 1, 3):
        peers = hold_up(responder, disk, count)
        disk.release()
        finish(peers)
        ask_default(responder.path)


@on_a_disk_that_hangs
@pytest.mark.parametrize("given", [str(THREADS), None])
def test_a_root_whose_disk_hangs_leaves_threads_to_the_others(
        tmp_path, tree, disk, given):
    with started(tmp_path, tree, given, disk) as one:
        count = int(given or max(MANY, 2 * len(os.sched_getaffinity(0))))
        # A sanitizer has a thread of its own.
        assert len(threads(one)) - count in (0, place.IS_SANITIZED)
        most = count - count // 4
        disk.hold()
        peers = []
        for number in range(most):
            peers.append(ask_disk(one, disk, 0))
            disk.wait_for(number + 1)
        # More than there are threads; none of these is held up.
        for _ in range(count):
            with ask_disk(one, disk, 0) as refused:
                got = answer.from_cgi(refused.read_answer())
            assert (got.status, got.body) == (503, BUSY)
            assert got.headers["retry-after"] == "5"
            assert ask_default(one.path) < PATIENCE
        disk.wait_for(most)
        # One that the disk has answered makes room for another one.
        disk.release(1)
        until(lambda: served() == 1, "its line in the log")
        peers.append(ask_disk(one, disk, 0))
        disk.wait_for(most)
        disk.release()
        finish(peers)


def answered(peers):
    """The first one that has an answer, or None."""
    ready, _, _ = select.select([peer.socket for peer in peers], [], [], 0)
    return next((peer for peer in peers if peer.socket in ready), None)


def last_event():
    """The last line in the log that belongs to no request."""
    with open(place.LOG) as log:
        return [line for line in log if not line.startswith("127.")][-1]


def end_in_time(one, count):
    """TERM, with so many threads that wait for a disk."""
    begin = time.monotonic()
    one.process.terminate()
    until(lambda: f"ended while {count} threads wait" in last_event(), "its end")
    assert not os.path.exists(one.path)
    took = time.monotonic() - begin
    assert took < 15, took  # TimeoutStopSec of the unit


@on_a_disk_that_hangs
def test_the_end_while_a_disk_does_not_answer(tmp_path, tree, disk):
    """Threads that wait for it are left behind, and end with the process."""
    with started(tmp_path, tree, str(THREADS)) as one:
        disk.freeze()
        most = THREADS - THREADS // 4
        peers = [ask_disk(one, disk, 0) for _ in range(most + 1)]
        # It is turned away, since all the others wait.
        refused = until(lambda: answered(peers), "one that is turned away")
        assert BUSY in refused.read_answer()
        assert ask_default(one.path) < PATIENCE
        end_in_time(one, most)
        assert one.process.wait(PATIENCE) == 0
        for peer in peers:
            peer.close()


def state_of(pid):
    """As in proc(5): of the thread that the process began with."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


@on_a_disk_that_hangs
@pytest.mark.deep
def test_the_end_while_a_disk_holds_what_was_asked(tmp_path, tree, disk):
    """No signal ends a thread that waits for it. The socket is free, though."""
    with started(tmp_path, tree, str(THREADS), disk) as one:
        peers = hold_up(one, disk, 2)
        end_in_time(one, 2)
        successor = Responder(str(tmp_path / "other"), path=one.path,
                              env={"PXESRV_ROOT": None})
        ask_default(successor.path)
        successor.stop()
        # The sanitizers take a second to end it.
        until(lambda: state_of(one.pid) == "Z", "its main thread has ended")
        one.process.kill()
        assert one.is_running()
        disk.release()
        assert one.process.wait(PATIENCE) == 0
        for peer in peers:
            peer.close()


@contextlib.contextmanager
def drained(peer):
    """A process takes all that comes, as fast as it comes."""
    peer.socket.settimeout(None)
    reader = subprocess.Popen(["cat"], stdin=peer.socket,
                              stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        reader.kill()
        reader.wait()


@on_a_disk_that_hangs
def test_an_answer_from_a_slow_disk_lets_others_through(tmp_path, tree, disk):
    """Its peer is faster than the disk, and so is never waited for."""
    disk.latency = 0.002
    with started(tmp_path, tree, "1", disk) as one, \
            ask_disk(one, disk, "endless") as peer, drained(peer):
        for _ in range(20):
            before = disk.reads
            ask_default(one.path)
            # Not many, whatever time they take.
            assert disk.reads - before < 100
            until(lambda: disk.reads > before, "it goes on")
        assert one.end() == 0


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
