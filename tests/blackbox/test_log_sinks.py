# SPDX-License-Identifier: MIT
"""A log that can't be written to fails no request, and holds up none."""
import os
import resource
import signal
import socket
import subprocess

import pytest

import answer
import place
from crowd import TREE, get, keep_asking
from fastcgi import Connection
from place import until

CLIENT = "127.0.0.7"
DIRECTORY = "/run/pxesrv/log"
COUNT = 1000 if place.IS_SANITIZED else 10000
# A thread that waits for a log does so until somebody reads it: for ever.
BOUND = 10  # seconds for one request, on a machine that others use, too


def fill(fd):
    """Writes until no more goes in. Whoever writes next would wait."""
    os.set_blocking(fd, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(fd, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(fd, True)


class Sink:
    """A file that is all right, to compare with, and how it is given."""

    log = DIRECTORY + "/file"
    stderr = subprocess.DEVNULL
    how = {}

    def __init__(self):
        self.descriptors = []

    def break_(self, program):
        """What happens when the responder has it open."""

    def close(self):
        for fd in self.descriptors:
            os.close(fd)


class DevFull(Sink):
    log = "/dev/full"


class FullDisk(Sink):
    def __init__(self):
        super().__init__()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=777",
                        "tmpfs", DIRECTORY], check=True)
        with open(DIRECTORY + "/filler", "wb", buffering=0) as filler:
            with pytest.raises(OSError):
                while True:
                    filler.write(bytes(4096))

    def close(self):
        subprocess.run(["umount", DIRECTORY], check=True)


class SizeLimit(Sink):
    how = {"preexec_fn": lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (4096, 4096))}

    def close(self):
        assert 0 < os.path.getsize(self.log) <= 4096


class Fifo(Sink):
    """A pipe with a name, full, that nobody reads."""

    log = DIRECTORY + "/fifo"

    def __init__(self):
        super().__init__()
        os.mkfifo(self.log)
        os.chown(self.log, *place.OWNER)
        self.descriptors.append(os.open(self.log, os.O_RDWR))
        fill(self.descriptors[0])


class FifoWithoutReader(Fifo):
    def break_(self, program):
        self.descriptors.append(os.open(self.log, os.O_RDONLY))
        os.close(self.descriptors.pop(0))
        os.close(self.descriptors.pop())


class Stderr(Sink):
    """Standard error is a pipe, full, that nobody reads."""

    log = "-"

    def __init__(self):
        super().__init__()
        reader, self.stderr = self.pair()
        fill(self.stderr)
        self.descriptors += [reader, self.stderr]

    def pair(self):
        return os.pipe()


class StderrSocket(Stderr):
    """As the journal's."""

    def pair(self):
        a, b = socket.socketpair()
        return a.detach(), b.detach()


class StderrWithoutReader(Stderr):
    def break_(self, program):
        os.close(self.descriptors.pop(0))


class Vanished(Sink):
    """The directory goes, then it is told to open the log again."""

    def __init__(self):
        super().__init__()
        reader, self.stderr = os.pipe()
        self.descriptors += [reader, self.stderr]

    def break_(self, program):
        until(lambda: os.path.exists(self.log), "the log")
        os.rename(DIRECTORY, DIRECTORY + ".gone")
        program.send_signal(signal.SIGHUP)
        assert b"logging to standard error" in os.read(
            self.descriptors[0], 4096)

    def close(self):
        super().close()
        os.rename(DIRECTORY + ".gone", DIRECTORY)


SINKS = [DevFull, SizeLimit, Fifo, FifoWithoutReader, Stderr, StderrSocket,
         StderrWithoutReader, Vanished,
         pytest.param(FullDisk, marks=pytest.mark.skipif(
             not place.AS_ROOT, reason="only root can mount"))]


def run(sink, path):
    """Many requests with this log: seconds in all, and of the slowest."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        program = subprocess.Popen(
            [place.FCGI], stdin=listening, stdout=subprocess.DEVNULL,
            stderr=sink.stderr, **place.AS_USER, **sink.how,
            env=place.clean_env(PXESRV_ROOT=place.ROOT, PXESRV_THREADS="2",
                                PXESRV_LOG=sink.log))
        try:
            keep_asking(path, 10)
            sink.break_(program)
            result = keep_asking(path, COUNT)
            with Connection(path) as peer:
                peer.send(get(CLIENT))
                assert answer.from_cgi(peer.read_answer()).body == b"os"
            program.terminate()
            assert program.wait(place.PATIENCE) == 0
        finally:
            program.kill()
            program.wait()
            os.unlink(path)
    return result


@pytest.fixture
def directory():
    os.mkdir(DIRECTORY)
    os.chown(DIRECTORY, *place.OWNER)
    yield
    subprocess.run(["rm", "-r", DIRECTORY], check=True)


@pytest.mark.parametrize("kind", SINKS)
def test_a_log_that_cannot_be_written_to(tree, directory, kind):
    tree.make(TREE)
    tree.arm(CLIENT, "../os/boot")
    normal = run(Sink(), "/run/pxesrv/normal.sock")
    with open(Sink.log) as log:
        assert sum(" 200 7 " in line for line in log) >= COUNT
    os.unlink(Sink.log)
    tree.arm(CLIENT, "../os/boot")
    sink = kind()
    try:
        took, slowest = run(sink, "/run/pxesrv/sink.sock")
    finally:
        sink.close()
    assert slowest < BOUND
    assert took < 3 * normal[0] + BOUND
    place.figure(f"{COUNT} requests with the log {kind.__name__}: "
                 f"{took:.2f} s, the slowest {slowest * 1000:.0f} ms; "
                 f"with a file {normal[0]:.2f} s, {normal[1] * 1000:.0f} ms")


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_a_line_that_a_full_disk_cuts_off(tree, directory, responder):
    """The next line that fits is whole."""
    tree.make(TREE)
    page = os.sysconf("SC_PAGE_SIZE")
    mount = ["mount", "-t", "tmpfs", "-o"]
    subprocess.run([*mount, f"size={page},mode=777", "tmpfs", DIRECTORY],
                   check=True)
    try:
        log = DIRECTORY + "/file"
        r = responder(PXESRV_LOG=log)
        with open(log, "a") as file:
            file.write("x" * (page - 31 - os.path.getsize(log)) + "\n")
        keep_asking(r.path, 2)
        until(lambda: os.path.getsize(log) == page, "the disk is full")
        subprocess.run([*mount, "remount,size=1m", DIRECTORY], check=True)
        keep_asking(r.path, 1)
        until(lambda: os.path.getsize(log) > page, "the line in the log")
        with open(log) as file:
            assert all(line.count(" - - [") <= 1 for line in file)
        r.stop()
    finally:
        subprocess.run(["umount", "-l", DIRECTORY], check=True)
