# SPDX-License-Identifier: MIT
"""The size of a boot file, and where its answer is cut, decide nothing.

A once link is served when all content of its answer was handed over, whatever
becomes of the end record. It is armed again when a byte of the content was not.
"""
import collections
import concurrent.futures
import contextlib
import fcntl
import itertools
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import termios
import threading

import pytest

import fastcgi
import place
from crowd import get
from fastcgi import Connection
from place import children_of, until
from tree import Link

CLIENT = "127.0.0.7"
HEAD = 102  # bytes of an answer's head, without the digits of the length
CONTENT = random.Random(1).randbytes(400_000)  # more than sockets take
# What libfcgi and the responder put into one record, and what one can hold.
PIECES = (8184, 16384, 65535)
# Of the delayed calls: a write behind the last content comes later than the
# peer's close.
SENDING = "write,writev,sendto,sendmsg,sendfile"
DELAY = 3000  # microseconds

MODULE = os.path.join(os.environ["PXESRV_TESTS_BUILD"],
                      "tests/preload/short_writes.so")


def client_of(number):
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


class Files:
    """A boot file for each thread, whose size is changed for each request."""

    def __init__(self, tree):
        self.tree = tree
        self.of_thread = threading.local()
        self.number = itertools.count()
        tree.make({"default": "default", "os/file": "", "once/keep": ""})

    def arm(self, client, size):
        """A client's link to a file of that size."""
        if not hasattr(self.of_thread, "name"):
            self.of_thread.name = f"os/{next(self.number)}"
            self.tree.add(self.of_thread.name, "")
        os.truncate(self.tree.full(self.of_thread.name), size)
        self.tree.arm(client, "../" + self.of_thread.name)


def take_and_close(path, client, size, keep):
    """A peer that closes with the last byte of content, not later.

    What comes behind it is left unread, or not sent yet.
    """
    with Connection(path) as peer:
        peer.send(get(client, keep=keep))
        head, got, padding = b"", -1, 0
        while got < size:
            peer._exactly(padding)
            kind, length, padding = struct.unpack(">xBxxHBx", peer._exactly(8))
            assert kind == fastcgi.STDOUT and length > 0
            content = peer._exactly(length)
            if got >= 0:
                got += length
                continue
            head += content
            start, end, body = head.partition(b"\r\n\r\n")
            if end:
                assert f"Content-Length: {size}\r\n".encode() in start
                got = len(body)
        assert got == size


def check_served(tree, sizes):
    """That the link of each client is used up; sizes are by client."""
    until(lambda: not tree.claimed(), "the claims are settled")
    again = [size for client, size in sizes.items()
             if tree.link(f"once/{client}")]
    assert not again, \
        f"{len(again)} of {len(sizes)} armed again, of sizes {sorted(again)}"
    assert set(os.listdir(tree.full("once/.served"))) >= set(sizes)


def take_sizes(take, tree, sizes, threads=4):
    """A once link of each size is taken by a client of its own."""
    files = Files(tree)
    by_client = {client_of(n): size for n, size in enumerate(sizes)}

    def one(item):
        files.arm(*item)
        take(*item)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, by_client.items()):
            pass
    check_served(tree, by_client)


def head_size(path):
    """Bytes of the head of an answer, without the digits of its length."""
    with Connection(path) as peer:
        peer.send(get())
        head, _, body = peer.read_answer().partition(b"\r\n\r\n")
    return len(head) + 4 - len(str(len(body)))


def around(multiple, before, behind):
    """Sizes with which head and body end near that many bytes."""
    return [multiple + n - HEAD - len(str(multiple))
            for n in range(-before, behind)]


def around_each(before, behind, up_to=1 << 20, pieces=PIECES):
    return sorted({size for piece in pieces
                   for multiple in range(piece, up_to + 1, piece)
                   for size in around(multiple, before, behind)})


@pytest.fixture
def bare(responder, tree):
    """A responder, and how a peer takes an answer of it."""
    def take(client, size):
        take_and_close(r.path, client, size, keep=size % 2)

    r = responder()
    tree.make({"default": "default"})
    assert head_size(r.path) == HEAD
    return r, take


@contextlib.contextmanager
def delayed(pid, directory):
    """Each of a process's writes comes a little later."""
    strace = subprocess.Popen(
        ["strace", "-f", "-p", str(pid), "-o", f"{directory}/strace",
         "-e", f"trace={SENDING}",
         "-e", f"inject={SENDING}:delay_enter={DELAY}"],
        stderr=subprocess.PIPE)
    try:
        said = strace.stderr.readline()
        assert b"attached" in said, said
        yield
    finally:
        strace.terminate()
        strace.communicate(timeout=place.PATIENCE)
    with open(f"{directory}/strace") as calls:
        assert "(DELAYED)" in calls.read()


def test_every_size(bare, tree):
    _, take = bare
    take_sizes(take, tree, range(20_001))


@pytest.mark.deep
def test_each_size_around_a_boundary(bare, tree):
    _, take = bare
    take_sizes(take, tree, sorted({
        *around_each(60, 40, pieces=[8184]),
        *around_each(10, 10)}))


def some_sizes():
    """Where an answer may be cut, and others."""
    return sorted({*around(8184, 30, 4), *range(0, 20_000, 400),
                   *around_each(1, 1, up_to=200_000)})


def test_sizes_whose_last_write_is_late(bare, tree, tmp_path):
    r, take = bare
    with delayed(r.pid, tmp_path):
        take_sizes(take, tree, some_sizes())


class Answer:
    """An answer's bytes on the bare socket, and where its content ends."""

    def __init__(self, r, tree, size):
        self.r, self.tree, self.size = r, tree, size
        tree.make({f"os/{size}": CONTENT[:size]})
        self.raw = self.read(1 << 16)
        self.boundaries, content, at = [], b"", 0
        kinds = []
        while at < len(self.raw):
            kind, length, padding = struct.unpack_from(
                ">xBxxHBx", self.raw, at)
            self.boundaries.append(at)
            if kind == fastcgi.STDOUT and length:
                content += self.raw[at + 8:at + 8 + length]
                self.end = at + 8 + length  # of the content
            kinds.append(kind)
            at += 8 + length + padding
        assert at == len(self.raw)
        assert set(kinds[:-1]) <= {fastcgi.STDOUT, fastcgi.STDERR}
        assert kinds[-1] == fastcgi.END
        assert content.partition(b"\r\n\r\n")[2] == CONTENT[:size]

    def ask(self):
        self.tree.arm(CLIENT, f"../os/{self.size}")
        peer = Connection(self.r.path)
        peer.send(get(CLIENT))
        return peer

    def became(self):
        """What the link has become: armed or served."""
        until(lambda: not self.tree.claimed(), "the claim is settled")
        armed = self.tree.link(f"once/{CLIENT}") is not None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.tree.full(f"once/{CLIENT}"))
        served = self.tree.link(f"once/.served/{CLIENT}") is not None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.tree.full(f"once/.served/{CLIENT}"))
        assert armed != served
        return "armed" if armed else "served"

    def read(self, step):
        """All of it, so many bytes at a time."""
        out = []
        with self.ask() as peer:
            while piece := peer.socket.recv(step):
                out.append(piece)
        assert self.became() == "served"
        return b"".join(out)


@pytest.fixture(params=["by the kernel", "everywhere"])
def cut_responder(request, responder, tree):
    """Its answers go out in pieces, as the kernel has it or of any size."""
    tree.make({"default": "default"})
    if request.param == "by the kernel":
        return responder()
    if place.IS_SANITIZED:
        pytest.skip("the sanitizers want to be the first in LD_PRELOAD")
    # ld.so(8) takes a space for the end of a name.
    module = shutil.copy(MODULE, place.SERVERS)
    return responder(program=("env", f"LD_PRELOAD={module}",
                              "SHORT_WRITES=997", place.FCGI))


@pytest.mark.parametrize("size", [0, 1, 8064, 8184, 16260, 65400, 400_000])
def test_peers_that_read_in_steps(cut_responder, tree, size):
    """They get the same bytes, however the writes were cut for them."""
    whole = Answer(cut_responder, tree, size)
    for step in (1, 7, 8, 9, 4095, 4096, 65535):
        assert whole.read(step) == whole.raw, f"in steps of {step}"


def queued(peer):
    """Bytes that are there for a peer to read."""
    return struct.unpack("i", fcntl.ioctl(
        peer.socket, termios.FIONREAD, bytes(4)))[0]


def break_off(answer, count):
    """
    Reads that many bytes of it, the last ones one by one, and closes. Whether
    all of the content was handed over before: the responder stands still while
    that is looked at.
    """
    with answer.ask() as peer:
        got = peer._exactly(max(count - 20, 0))
        while len(got) < count:
            got += peer._exactly(1)
        assert got == answer.raw[:count]
        answer.r.halt()
        whole = count + queued(peer) >= answer.end
    answer.r.go_on()
    return whole


def cuts(answer):
    """Offsets in an answer to break off at: around what was cut there."""
    some = {*answer.boundaries[:10], *answer.boundaries[-10:], answer.end}
    near = {at + n for at in some for n in range(-9, 10)}
    more = random.Random(2).sample(range(answer.end), 100)
    return sorted(n for n in {*near, *more, *range(20)}
                  if 0 <= n <= answer.end)


@pytest.mark.parametrize("size", [1000, 20_000, 100_000, 400_000])
def test_peers_that_break_off(cut_responder, tree, size):
    """What was not handed over is not served, and the other way round."""
    answer = Answer(cut_responder, tree, size)
    found = collections.Counter()
    for count in cuts(answer):
        whole = break_off(answer, count)
        became = answer.became()
        assert became == ("served" if whole else "armed"), \
            f"after {count} of {answer.end} bytes"
        found[became] += 1
    place.figure(f"peers that take a part of {size} bytes and close: "
                 f"{found['armed']} links armed again, {found['served']} "
                 f"served, as it was all in the socket")
    assert found["served"] and (found["armed"] or size < 400_000)


def take_by_http(server, client, size):
    """A client that closes when it has as much as it was told it would get."""
    with socket.create_connection(("127.0.0.1", server.port), place.PATIENCE,
                                  (client, 0)) as peer:
        peer.sendall(b"GET /redirect HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while b"\r\n\r\n" not in got:
            piece = peer.recv(4096)
            assert piece, got
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        assert re.search(rb"(?i)^content-length: %d\r?$" % size, head,
                         re.MULTILINE), head
        left = size - len(body)
        while left:
            piece = peer.recv(min(left, 1 << 16))
            assert piece, f"closed {left} bytes before the end"
            left -= len(piece)


def responder_of(server):
    """The process that answers; None where each request has one."""
    if server.responder:
        return server.responder.pid
    return next((pid for pid in children_of(server.server.pid)
                 if os.readlink(f"/proc/{pid}/exe") == place.FCGI), None)


@pytest.mark.parametrize("late", [False, True])
def test_sizes_behind_a_web_server(web_server, tree, tmp_path, late):
    tree.make({"default": "default"})
    pid = responder_of(web_server)
    with contextlib.ExitStack() as stack:
        if late and pid is None:
            pytest.skip("the CGI program's last write is that of content")
        if late:
            stack.enter_context(delayed(pid, tmp_path))
        take_sizes(lambda *what: take_by_http(web_server, *what), tree,
                   some_sizes(), threads=8)
