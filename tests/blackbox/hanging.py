# SPDX-License-Identifier: MIT
"""A mounted file system that keeps those who ask it waiting.

It is a FUSE server (fuse(4), linux/fuse.h): the kernel passes what a program
asks on to it, and the program waits until there is an answer. So a responder
that opens a boot file here hangs as on an NFS server that is gone, for as long
as the test wants.
"""
import collections
import errno
import os
import select
import stat
import struct
import subprocess
import threading
import time

import place
from place import until

LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, RELEASE, FLUSH = \
    1, 2, 3, 5, 14, 15, 18, 25
INIT, INTERRUPT, DESTROY, BATCH_FORGET = 26, 36, 38, 42
UNANSWERED = {FORGET, BATCH_FORGET, INTERRUPT, DESTROY}
VERSION = (7, 31)
EXPORT_SUPPORT = 1 << 4  # the kernel may tell handles of files
REQUEST_MAX = 1 << 17  # bytes
# What an open is answered with: the kernel asks for each read.
OPENED = struct.pack("QIi", 0, 1, 0)


class Endless:
    """The content of a file: more than anybody can read."""

    def __len__(self):
        return 1 << 40

    def __getitem__(self, part):
        return bytes(part.stop - part.start)


class Hanging:
    """Mounts files at a directory: a dictionary of paths and contents."""

    def __init__(self, directory, files):
        self.directory = directory
        self.nodes = [None, ""]  # paths by number; that of the root is 1
        self.files = files
        self.holds = ()  # kinds of requests that wait
        self.held = collections.deque()  # those: number, and answer
        self.reads = 0
        self.latency = 0  # seconds that each read takes
        self.is_frozen = False
        self.kernel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        self.stop, self.stops = os.pipe()
        done = subprocess.run(
            ["mount", "-i", "-t", "fuse", "-o", f"fd={self.kernel},"
             "rootmode=40000,user_id=0,group_id=0,allow_other", "hanging",
             directory], pass_fds=[self.kernel], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def close(self):
        """From here on everybody gets an error, those who wait too."""
        os.close(self.stops)
        self.thread.join()
        os.close(self.stop)
        subprocess.run(["umount", "-l", self.directory], check=True)

    def hold(self, kind=OPEN):
        """Has everybody wait who opens, or reads, a file from here on."""
        self.holds = (kind,)

    def wait_for(self, count):
        """Waits until exactly so many are held up."""
        until(lambda: len(self.held) == count, f"{count} wait for the disk")

    def freeze(self):
        """From here on it does not even look at what is asked, so unlike those
        that it holds, who asks can be killed."""
        self.is_frozen = True

    def release(self, count=None):
        """Lets the first ones go on; without a count, all for good."""
        if count is None:
            self.holds = ()
        for _ in range(len(self.held) if count is None else count):
            self._answer(*self.held.popleft())

    def renew(self):
        """All but the root get another inode of the same number."""
        self.nodes += self.nodes[2:]

    def _answer_or_hold(self, kind, number, content):
        if kind in self.holds:
            self.held.append((number, content))
        else:
            self._answer(number, content)

    def _serve(self):
        while True:
            looks_at = [self.stop] if self.is_frozen else [
                self.kernel, self.stop]
            ready, _, _ = select.select(looks_at, [], [])
            if self.stop in ready:
                break
            if self.is_frozen:
                continue
            request = os.read(self.kernel, REQUEST_MAX)
            _, kind, number, node = struct.unpack_from("IIQQ", request)
            self._do(kind, number, node, request[40:])
        os.close(self.kernel)

    def _do(self, kind, number, node, what):
        if kind == INIT:
            self._answer(number, struct.pack(
                "IIII HHIIHH 32x", *VERSION, 0, EXPORT_SUPPORT, 0, 0, 4096, 1,
                0, 0))
        elif kind == LOOKUP:
            self._look_up(number, node, what)
        elif kind == GETATTR:
            path = self.nodes[node]
            self._answer(number, bytes(16) + self._attributes(path))
        elif kind == OPEN:
            self._answer_or_hold(kind, number, OPENED)
        elif kind == READ:
            self.reads += 1
            time.sleep(self.latency)
            _, offset, size = struct.unpack_from("QQI", what)
            content = self.files[self.nodes[node]]
            self._answer_or_hold(kind, number, content[offset:offset + size])
        elif kind in (RELEASE, FLUSH):
            self._answer(number)
        elif kind not in UNANSWERED:
            self._answer(number, error=errno.ENOSYS)

    def _look_up(self, number, parent, what):
        path = os.path.join(self.nodes[parent], what.rstrip(b"\0").decode())
        if not self._is_directory(path) and path not in self.files:
            self._answer(number, error=errno.ENOENT)
            return
        if path not in self.nodes:
            self.nodes.append(path)
        node = len(self.nodes) - 1 - self.nodes[::-1].index(path)
        # Its number, and nothing that the kernel may keep.
        self._answer(number, struct.pack("Q32x", node) +
                     self._attributes(path))

    def _is_directory(self, path):
        return path == "" or any(f.startswith(path + "/") for f in self.files)

    def _attributes(self, path):
        if self._is_directory(path):
            mode, size = stat.S_IFDIR | 0o755, 0
        else:
            mode, size = stat.S_IFREG | 0o644, len(self.files[path])
        return struct.pack("6Q 10I", self.nodes.index(path), size, 0, 0, 0, 0, 0, 0, 0, mode, 1,
                           *place.OWNER, 0, 4096, 0)

    def _answer(self, number, content=b"", error=0):
        try:
            os.write(self.kernel, struct.pack(
                "IiQ", 16 + len(content), -error, number) + content)
        except FileNotFoundError:
            pass  # who has asked was killed
