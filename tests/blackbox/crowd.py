# SPDX-License-Identifier: MIT
"""Many peers of one responder at a time, and what they must leave behind."""
import contextlib
import resource
import select
import time

import fastcgi
import place
from deployments import meta_variables
from fastcgi import Connection
from place import until

BYSTANDER = "127.0.0.8"  # who is never armed
TREE = {"default": "default", "os/boot": "os"}
SLACK = 512 << 10  # bytes of memory that may stay after a crowd has gone


def get(client=BYSTANDER, keep=False, **how):
    """A whole GET /redirect of a client, as bytes."""
    return fastcgi.request(
        {**meta_variables("GET", "/redirect", client), **how}, keep=keep)


GOOD = get()


def clients(count):
    return [f"127.1.{i // 250}.{i % 250 + 1}" for i in range(count)]


@contextlib.contextmanager
def enough_descriptors(number):
    """This process has so many meanwhile, or as many as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, before[1]),
                                                before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def limit_descriptors(number):
    """For a responder that is started."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def ask_default(path):
    """A well-behaved peer: the seconds until it has its answer."""
    start = time.monotonic()
    with Connection(path) as peer:
        peer.send(GOOD)
        assert peer.read_answer().endswith(b"\r\n\r\ndefault")
    return time.monotonic() - start


class Rest:
    """What a responder has open, and its memory, when it has nothing to do."""

    def __init__(self, responder):
        self.responder = responder
        for _ in range(100):
            ask_default(responder.path)
        with Connection(responder.path) as peer:
            peer.send(GOOD)
            peer.read_answer()
            assert peer.is_closed()
        self.descriptors = responder.descriptors()
        self.memory = responder.memory("VmRSS")

    def is_back(self):
        """Waits for the descriptors, and says how much memory has stayed."""
        until(lambda: self.responder.descriptors() <= self.descriptors,
              "descriptors are back")
        more = self.responder.memory("VmRSS") - self.memory
        # The sanitizers keep what is freed.
        assert place.IS_SANITIZED or more < SLACK, f"{more} bytes more"
        return more


def keep_asking(path, count, connections=8):
    """
    Requests over kept connections, one at a time on each. The seconds that all
    took, and the slowest one.
    """
    request = get(keep=True)
    with Connection(path) as one:
        one.send(request)
        assert one.read_answer().endswith(b"\r\n\r\ndefault")
        one.send(request)
        whole = one._exactly(len(one.socket.recv(65536, 2)))  # MSG_PEEK
        assert b"\r\n\r\ndefault" in whole
    peers = {}
    poll = select.poll()
    slowest, sent, start = 0, 0, time.monotonic()
    for _ in range(connections):
        peer = Connection(path)
        peers[peer.socket.fileno()] = [peer, time.monotonic(), b""]
        poll.register(peer.socket, select.POLLIN)
        peer.send(request)
        sent += 1
    while peers:
        events = poll.poll(place.PATIENCE * 1000)
        assert events, f"none of {connections} peers gets an answer"
        for fd, _ in events:
            peer, since, got = peers[fd]
            piece = peer.socket.recv(65536)
            assert piece, "closed without an answer"
            got += piece
            if len(got) < len(whole):
                peers[fd][2] = got
                continue
            assert got == whole
            now = time.monotonic()
            slowest = max(slowest, now - since)
            if sent < count:
                peers[fd][1:] = now, b""
                peer.send(request)
                sent += 1
            else:
                poll.unregister(fd)
                del peers[fd]
                peer.close()
    return time.monotonic() - start, slowest
