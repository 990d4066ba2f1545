# SPDX-License-Identifier: MIT
"""The CGI program's answers through pipes and sockets that take little.

A once link is served when all of its content went in, and armed again when a
byte of it did not.
"""
import collections
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import termios

import pytest

import answer
import place
from deployments import meta_variables
from place import clean_env, until

CLIENT = "127.0.0.7"
CONTENT = random.Random(1).randbytes(300_000)
HEAD = 102  # bytes of an answer's head, without the digits of the length
PAGE = 4096  # the least that a pipe holds
PIPE_SIZE = 1031  # F_SETPIPE_SZ


def pipe():
    reader, writer = os.pipe()
    assert fcntl.fcntl(writer, PIPE_SIZE, 1) == PAGE
    return reader, writer


def socket_pair():
    reader, writer = socket.socketpair()
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    return reader.detach(), writer.detach()


@pytest.fixture(params=[pipe, socket_pair])
def channel(request, tree):
    """Through which a web server reads, made as small as can be."""
    tree.make({"default": "default", "os/boot": ""})
    return request.param


class Run:
    """The program, which answers with a once link to a file of that size."""

    def __init__(self, tree, channel, size, before=0):
        self.tree = tree
        with open(tree.full("os/boot"), "wb") as file:
            file.write(CONTENT[:size])
        tree.arm(CLIENT, "../os/boot")
        self.reader, writer = channel()
        os.write(writer, bytes(before))
        self.process = subprocess.Popen(
            [place.CGI], stdin=subprocess.DEVNULL, stdout=writer,
            stderr=subprocess.PIPE, **place.AS_USER,
            env=clean_env(**meta_variables("GET", "/redirect", CLIENT)))
        os.close(writer)

    def read(self, count, step=1 << 16):
        """So many bytes, or all that there are."""
        out = bytearray()
        while len(out) < count:
            piece = os.read(self.reader, min(step, count - len(out)))
            if not piece:
                break
            out += piece
        return bytes(out)

    def halt(self):
        """It goes no further, if it has not ended."""
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid,
                  os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def queued(self):
        return struct.unpack("i", fcntl.ioctl(
            self.reader, termios.FIONREAD, bytes(4)))[0]

    def close(self):
        """Nobody reads any more. What the link has become."""
        os.close(self.reader)
        os.kill(self.process.pid, signal.SIGCONT)
        _, said = self.process.communicate(timeout=place.PATIENCE)
        assert self.process.returncode == 0, said
        assert not self.tree.claimed()
        return self.settled()

    def settled(self):
        armed, served = (f"once/{CLIENT}", f"once/.served/{CLIENT}")
        found = [name for name in (armed, served) if self.tree.link(name)]
        assert len(found) == 1
        os.unlink(self.tree.full(found[0]))
        return "armed" if found == [armed] else "served"


def sizes():
    """With which what is written ends around a page, and others."""
    near = {pages * PAGE + n - HEAD - digits
            for pages, digits in ((1, 4), (2, 4), (4, 5), (5, 5))
            for n in range(-3, 4)}
    return [0, 1, *sorted(near), *random.Random(2).sample(range(20_000), 100)]


def test_each_size_is_served(channel, tree):
    for size in sizes():
        run = Run(tree, channel, size)
        got = answer.from_cgi(run.read(1 << 20))
        assert run.close() == "served", size
        assert (got.length, got.body) == (size, CONTENT[:size])


@pytest.mark.parametrize("before", [1, 1000])
def test_a_pipe_that_takes_a_part(tree, before):
    """In one page with bytes of others it has room for a part of any size."""
    tree.make({"default": "default", "os/boot": ""})
    for size in range(PAGE, 2 * PAGE, 37):
        part = (HEAD + len(str(size)) + size) % PAGE
        if not 0 < part <= PAGE - before:
            continue  # it takes nothing
        run = Run(tree, pipe, size, before)
        until(lambda: run.queued() == before + part, "the part is written")
        run.read(before)
        got = answer.from_cgi(run.read(1 << 20))
        assert run.close() == "served", size
        assert (got.length, got.body) == (size, CONTENT[:size])


@pytest.mark.parametrize("step", [1, 7, 8, 9, PAGE - 1, PAGE, 65535])
def test_readers_in_steps(channel, tree, step):
    run = Run(tree, channel, len(CONTENT))
    got = answer.from_cgi(run.read(1 << 20, step))
    assert run.close() == "served"
    assert got.body == CONTENT


def cuts(total):
    """Numbers of bytes to read before the end of an answer."""
    near = {pages * PAGE + n for pages in (*range(4), total // PAGE)
            for n in range(-2, 3)}
    more = random.Random(3).sample(range(total), 60)
    return sorted(n for n in {*near, *more, *range(total - 5, total + 1)}
                  if 0 <= n <= total)


@pytest.mark.parametrize("size", [100, PAGE - HEAD - 4, 6000, 20_000, 300_000])
def test_readers_that_break_off(channel, tree, size):
    """What did not go in is not served, and the other way round."""
    whole = Run(tree, channel, size)
    raw = whole.read(1 << 20)
    assert whole.close() == "served"
    found = collections.Counter()
    for count in cuts(len(raw)):
        run = Run(tree, channel, size)
        got = run.read(count)
        assert got == raw[:count]
        run.halt()
        went_in = count + run.queued() == len(raw)
        became = run.close()
        assert became == ("served" if went_in else "armed"), \
            f"after {count} of {len(raw)} bytes"
        found[became] += 1
    place.figure(f"CGI program, {channel.__name__}: readers that take a part of"
                 f" {size} bytes and close: {found['armed']} links armed "
                 f"again, {found['served']} served, as it was all in there")
    assert found["served"] and (found["armed"] or size < 20_000)
