# SPDX-License-Identifier: MIT
"""./pxesrv and 2,000 clients that download slowly, all at a time."""
import contextlib
import hashlib
import os
import resource
import shutil
import socket

import pytest

import place
from place import until
from standalone import Standalone, install

WEB = pytest.mark.parametrize("web", ["nginx", "lighttpd"])
CLIENTS = 2000
SIZE = 256 << 10  # more than the buffers on the way to a client hold
CONTENT = os.urandom(1 << 10) * (SIZE >> 10)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    where = tmp_path_factory.mktemp("installed")
    yield install(where)
    shutil.rmtree(where)


@pytest.fixture
def descriptors():
    """Enough of them for the clients, too; a few as where one logs in."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 3 * CLIENTS
    if before[1] != resource.RLIM_INFINITY and before[1] < needed:
        pytest.skip(f"ulimit -Hn is {before[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def a_few():
    """For the server: what a shell has, which it may raise."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))


class Download:
    """One that has asked, and takes little at a time."""

    def __init__(self, port, number):
        self.socket = socket.socket()
        self.socket.settimeout(place.PATIENCE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # Small segments, since the sender's buffer is some of them.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self.socket.bind((f"127.2.{number // 250}.{number % 250 + 1}", 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(b"GET /large HTTP/1.0\r\n\r\n")

    def begin(self):
        self.got = self.socket.recv(100)
        assert self.got.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))

    def finish(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        pieces = [self.got]
        while piece := self.socket.recv(65536):
            pieces.append(piece)
        self.socket.close()
        return b"".join(pieces).partition(b"\r\n\r\n")[2]


@WEB
def test_2000_slow_downloads(script, tree, tmp_path, web, descriptors):
    tree.make({"default": "default", "os/boot": "os", "large": CONTENT})
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web,
                     preexec_fn=a_few)
    assert "pxesrv: " not in one.messages()
    with contextlib.ExitStack() as stack:
        downloads = []
        for number in range(CLIENTS):
            downloads.append(Download(one.port, number))
            stack.callback(downloads[-1].socket.close)
        for download in downloads:
            download.begin()
        # All are under way, and the next machine is answered.
        tree.arm("127.0.0.7", "../os/boot")
        assert one.ask() == (200, b"os")
        assert one.ask() == one.ask("/default") == (200, b"default")
        want = hashlib.sha256(CONTENT).digest()
        for download in downloads:
            assert hashlib.sha256(download.finish()).digest() == want
    until(lambda: tree.link("once/.served/127.0.0.7"), "it is settled")
    assert one.end() == 0


@WEB
def test_a_limit_that_does_not_allow_it(script, tree, tmp_path, web):
    tree.make({"default": "default"})
    one = Standalone(
        script, tmp_path, "-r", place.ROOT, "-w", web,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (600, 600)))
    assert one.messages().startswith(
        "pxesrv: the limit of 600 descriptors (ulimit -Hn) allows only 268 "
        "clients at a time\n")
    assert one.ask() == (200, b"default")
    assert one.end() == 0
