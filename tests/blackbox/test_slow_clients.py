# SPDX-License-Identifier: MIT
"""Slow clients, a lock that is held, a disk that hangs: nobody else waits."""
import fcntl
import os
import re
import select
import shutil
import subprocess
import time

import pytest

import answer
import fastcgi
import place
import slow
from crowd import (BYSTANDER, TREE, ask_default, clients, enough_descriptors,
                   get)
from deployments import ApacheFcgi, Bare, Lighttpd, Nginx
from fastcgi import Connection
from place import until
from tree import Directory, Link, Tree

LARGE = 200 << 20
SMALL = 8 << 20  # more than a web server takes before its client does
REQUESTS = 300   # of another machine, meanwhile
BOUND = 2        # seconds more than of an idle server: nobody is waited for
MEMORY = 64 << 10  # bytes of the responder that a slow client may take


@pytest.fixture(autouse=True, scope="module")
def descriptors():
    """Enough of them, for the servers that are started too."""
    with enough_descriptors(8192):
        yield


class RoomyNginx(Nginx):
    """A worker alone may get all connections: two for each client."""

    def change(self, text):
        return text.replace("worker_connections 1024",
                            "worker_connections 4096")


# How many clients each of them serves at a time as it is. Apache's default is
# 400 threads, and a client has one as long as it takes its answer.
SERVERS = {"bare": (Bare, 500), "nginx": (RoomyNginx, 500),
           "lighttpd": (Lighttpd, 500), "apache-fcgi": (ApacheFcgi, 300)}


@pytest.fixture(params=[
    name if name == "nginx" else pytest.param(name, marks=pytest.mark.deep)
    for name in SERVERS])
def server(request):
    kind, count = SERVERS[request.param]
    directory = os.path.join(place.SERVERS, f"slow-{request.param}")
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o777)
    one = kind(directory)
    one.start()
    one.count, one.name = count, request.param
    one.slow_way = slow.on_socket(one.responder.path) \
        if request.param == "bare" else slow.by_http(one.port)
    yield one
    one.stop()


def ask_often(server):
    """Milliseconds: 99 of 100 of a machine's requests, and all."""
    times = []
    for _ in range(REQUESTS):
        start = time.monotonic()
        got = server.ask(client=BYSTANDER)
        times.append((time.monotonic() - start) * 1000)
        assert (got.status, got.body) == (200, b"default")
        time.sleep(0.01)
    return sorted(times)[REQUESTS * 99 // 100 - 1], max(times)


def socket_memory(path):
    """Bytes that the kernel holds in the connections of a Unix socket."""
    said = subprocess.run(["ss", "-xmH"], capture_output=True, text=True,
                          check=True).stdout
    # Each line of a socket is followed by its memory: r, rb, t, tb, f, w, o.
    return sum(int(size) for lines in re.findall(
        rf"{path} .*?\n?.*?skmem:\((.*?)\)", said)
        for size in re.findall(r"(?:^|,)[rtw](\d+)", lines))


def make_large(tree):
    """What only the file system believes to be so large."""
    tree.make({**TREE, "os/large": "", "os/small": ""})
    os.truncate(tree.full("os/large"), LARGE)
    os.truncate(tree.full("os/small"), SMALL)


def test_slow_clients_delay_nobody(server, tree):
    make_large(tree)
    crowd = clients(server.count)
    to_finish = crowd[::10]
    to_hang_up = [client for client in crowd if client not in to_finish]
    for client in crowd:
        tree.arm(client, "../os/small" if client in to_finish
                 else "../os/large")
    idle = ask_often(server)
    before = server.responder.memory("VmRSS")
    with slow.Crowd(server.slow_way, crowd) as peers:
        peers.wait_for_all()
        busy = ask_often(server)
        more = (server.responder.memory("VmRSS") - before) // server.count
        kernel = socket_memory(server.responder.path) // server.count
        assert len(tree.claimed()) == server.count
        place.figure(
            f"{server.name}, {server.count} slow clients: another machine's "
            f"request p99 {busy[0]:.1f} ms, at most {busy[1]:.1f} ms (idle "
            f"{idle[0]:.1f}, {idle[1]:.1f} ms); each takes {more / 1024:.0f} "
            f"kB of the responder and {kernel / 1024:.0f} kB of its sockets")
        assert busy[1] < idle[1] + BOUND * 1000
        assert place.IS_SANITIZED or more < MEMORY
        assert peers.hang_up(to_hang_up) == to_hang_up
        taken = peers.finish(to_finish)
        assert all(SMALL < size < SMALL + (16 << 10)
                   for size in taken.values()), taken
        until(lambda: not tree.claimed(), "the claims are settled")
    for client in to_hang_up:
        assert tree.link(f"once/{client}") == "../os/large"
        assert tree.link(f"once/.served/{client}") is None
    for client in to_finish:
        assert tree.link(f"once/{client}") is None
        assert tree.link(f"once/.served/{client}") == "../os/small"


def test_the_end_puts_back_what_slow_clients_have_not(responder, tree):
    r = responder()
    make_large(tree)
    crowd = clients(100)
    for client in crowd:
        tree.arm(client, "../os/large")
    with slow.Crowd(slow.on_socket(r.path), crowd) as peers:
        peers.wait_for_all()
        start = time.monotonic()
        r.stop()
        # Five seconds, as README has it, and some for a busy machine.
        assert time.monotonic() - start < 10
    assert tree.claimed() == []
    for client in crowd:
        assert tree.link(f"once/{client}") == "../os/large"


PATIENCE = 300  # seconds in which a peer must take something, as README has it
SPEED = 60      # of the clock by which it is counted
MODULE = os.path.join(os.environ["PXESRV_TESTS_BUILD"],
                      "tests/preload/fast_clock.so")


@pytest.mark.deep
@pytest.mark.skipif(place.IS_SANITIZED,
                    reason="they want to be the first in LD_PRELOAD")
def test_a_peer_that_takes_nothing_is_cut_off(responder, tree):
    """Not one that takes something now and then, however slow it is."""
    # ld.so(8) takes a space for the end of a name.
    module = shutil.copy(MODULE, place.SERVERS)
    r = responder(program=("env", f"LD_PRELOAD={module}",
                           f"FAST_CLOCK={SPEED}", place.FCGI))
    make_large(tree)
    lazy, slowly = clients(2)
    for client in (lazy, slowly):
        tree.arm(client, "../os/large")
    start = time.monotonic()
    with Connection(r.path) as one, Connection(r.path) as other:
        one.send(get(lazy))
        other.send(get(slowly))
        until(lambda: len(tree.claimed()) == 2, "both are under way")
        while tree.link(f"once/{lazy}") is None:
            assert time.monotonic() - start < place.PATIENCE
            # A quarter of its patience later.
            other._exactly(64 << 10)
            time.sleep(PATIENCE / SPEED / 4)
        took = time.monotonic() - start
        assert took > PATIENCE / SPEED * 0.9
        # All that was in its socket, and no end of it.
        with pytest.raises(fastcgi.Closed):
            one.read_answer()
        for _ in range(5):
            other._exactly(64 << 10)
            time.sleep(PATIENCE / SPEED / 4)
        assert tree.link(f"once/{slowly}") is None
        assert len(tree.claimed()) == 1
    until(lambda: not tree.claimed(), "the other one has hung up")
    assert tree.link(f"once/{slowly}") == "../os/large"


def send_all(path, crowd, **how):
    """Each of them has asked, and not read yet."""
    peers = {}
    for client in crowd:
        peers[client] = Connection(path)
        peers[client].send(get(client, **how))
    return peers


def answers(peers):
    """What each of them got; None: nothing whole."""
    found = {}
    for client, peer in peers.items():
        with peer:
            try:
                found[client] = answer.from_cgi(peer.read_answer())
            except (fastcgi.Closed, ConnectionResetError):
                found[client] = None
    return found


def check_unavailable(got):
    """The client is told to ask again."""
    assert (got.status, got.headers["retry-after"]) == (503, "5")


def test_a_lock_that_somebody_holds(responder, tree):
    r = responder()
    tree.make({**TREE, "once/.lock": ""})
    crowd = clients(100)
    for client in crowd:
        tree.arm(client, "../os/boot")
    idle = max(ask_default(r.path) for _ in range(20))
    with open(tree.full("once/.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        peers = send_all(r.path, crowd)
        busy = [ask_default(r.path) for _ in range(20)]
        got = answers(peers)
    place.figure(f"the lock is held and {len(crowd)} armed machines ask: one "
                 f"that is not armed is answered within {max(busy) * 1000:.0f} "
                 f"ms (else {idle * 1000:.0f} ms)")
    assert max(busy) < idle + BOUND
    for client in crowd:
        check_unavailable(got[client])
        assert tree.link(f"once/{client}") == "../os/boot"
    assert not tree.claimed()
    assert all(one.body == b"os"
               for one in answers(send_all(r.path, crowd)).values())


@pytest.fixture(params=["ext4", "xfs"])
def other_tree(request, tmp_path):
    """A tree on a file system of its own."""
    if not place.AS_ROOT:
        pytest.skip("only root can mount file systems")
    # Where the responder's user can look, too.
    mount, image = f"{place.SERVERS}/hangs", str(tmp_path / "image")
    os.makedirs(mount, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(300 << 20)
    subprocess.run([f"mkfs.{request.param}", "-q", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, mount],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{request.param}: {done.stderr.strip()}")
    os.chown(mount, *place.OWNER)
    yield Tree(mount, place.OWNER)
    subprocess.run(["umount", mount], check=True)


class frozen:
    """A file system on which whoever writes waits."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        subprocess.run(["fsfreeze", "-f", self.path], check=True)

    def __exit__(self, *_):
        subprocess.run(["fsfreeze", "-u", self.path], check=True)


@pytest.mark.deep
def test_a_tree_that_hangs(tree, other_tree, responder):
    """Claims of another root go on, and nothing is lost."""
    r = responder(PXESRV_ROOT=None)
    crowd, armed = clients(100), clients(120)[100:]
    for one in (tree, other_tree):
        one.make({**TREE, "once": Directory()})
    for client in crowd:
        other_tree.arm(client, "../os/boot")
    for client in armed:
        tree.arm(client, "../os/boot")
    # Once, so that nothing has to be made there.
    other_tree.arm("127.0.0.9", "../os/boot")
    assert answers(send_all(r.path, ["127.0.0.9"],
                            PXESRV_ROOT=other_tree.path))["127.0.0.9"].body \
        == b"os"
    idle = max(ask_default(r.path) for _ in range(20))
    busy = []
    with frozen(other_tree.path):
        peers = send_all(r.path, crowd, PXESRV_ROOT=other_tree.path)
        for client in armed:
            start = time.monotonic()
            (got,) = answers(send_all(r.path, [client])).values()
            busy += [time.monotonic() - start, ask_default(r.path)]
            assert got.body == b"os"
        waiting = sum(not select.select([peer.socket], [], [], 0)[0]
                      for peer in peers.values())
        assert waiting, "nobody waits for that tree: no test"
    got = answers(peers)
    until(lambda: not other_tree.claimed(), "the claims are settled")
    served = [client for client in crowd
              if other_tree.link(f"once/.served/{client}")]
    place.figure(f"a tree that hangs, {len(crowd)} armed machines: others are "
                 f"answered within {max(busy) * 1000:.0f} ms (else "
                 f"{idle * 1000:.0f} ms); then {len(served)} were served")
    for client in crowd:
        if client in served:
            assert other_tree.link(f"once/{client}") is None
            assert (got[client].status, got[client].body) == (200, b"os")
        else:
            assert other_tree.link(f"once/{client}") == "../os/boot"
            check_unavailable(got[client])
    assert max(busy) < idle + BOUND
