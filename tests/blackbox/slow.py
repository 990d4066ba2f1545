# SPDX-License-Identifier: MIT
"""Many clients that take their answers slowly, driven by a process of its own.

So they do not take the interpreter's time from whoever measures the others.
"""
import itertools
import multiprocessing
import selectors
import socket
import time

import place
from crowd import get

BYTES = 4096  # that each of them takes at a time
EVERY = 0.1   # seconds between these, which are not the same for all
PARTS = 20    # of the clients, one after the other in that time
GET = b"GET /redirect HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def on_socket(path):
    """How a client asks the responder itself."""
    def ask(client):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        peer.sendall(get(client))
        return peer
    return ask


def by_http(port):
    """How a client asks a web server. Its own kernel takes little, too."""
    def ask(client):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BYTES)
        peer.bind((client, 0))
        peer.connect(("127.0.0.1", port))
        peer.sendall(GET)
        return peer
    return ask


class Crowd:
    """Slow clients with an address each; ask makes the connection of one."""

    def __init__(self, ask, clients):
        self.ask, self.clients = ask, list(clients)
        fork = multiprocessing.get_context("fork")
        self.pipe, other = fork.Pipe()
        self.process = fork.Process(target=self._drive, args=(other,))
        self.process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def _hear(self, seconds=3 * place.PATIENCE):
        assert self.pipe.poll(seconds), "the slow clients say nothing"
        return self.pipe.recv()

    def wait_for_all(self):
        """Until each has the beginning of its answer."""
        self.pipe.send(("begin", None))
        found = self._hear()
        assert found == "all", f"after {place.PATIENCE} s only {found} of " \
            f"{len(self.clients)} have the beginning of an answer"

    def finish(self, clients):
        """These take the rest at once. How many bytes each then has."""
        self.pipe.send(("finish", list(clients)))
        return self._hear()

    def hang_up(self, clients):
        """These close, in the middle of an answer. Those that still can."""
        self.pipe.send(("hang up", list(clients)))
        return self._hear()

    # What follows is in the other process.

    def _drive(self, pipe):
        self.peers = {}
        self.taken = dict.fromkeys(self.clients, 0)
        for client in self.clients:
            self.peers[client] = self.ask(client)
            self.peers[client].setblocking(False)
        limit = None
        for part in itertools.cycle(range(PARTS)):
            start = time.monotonic()
            for client in self.clients[part::PARTS]:
                if client in self.peers:
                    self._take(client, BYTES)
            if pipe.poll(max(0, start + EVERY / PARTS - time.monotonic())):
                command, clients = pipe.recv()
                if command == "begin":
                    limit = time.monotonic() + place.PATIENCE
                elif command == "finish":
                    pipe.send(self._finish(clients))
                else:
                    pipe.send(self._hang_up(clients))
            if limit:
                begun = sum(size > 0 for size in self.taken.values())
                if begun == len(self.clients) or time.monotonic() > limit:
                    pipe.send("all" if begun == len(self.clients) else begun)
                    limit = None

    def _take(self, client, size):
        """Whether more may come."""
        try:
            piece = self.peers[client].recv(size)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            piece = b""
        self.taken[client] += len(piece)
        if not piece:
            self.peers.pop(client).close()
        return bool(piece)

    def _finish(self, clients):
        selector = selectors.DefaultSelector()
        for client in clients:
            if client in self.peers:
                selector.register(self.peers[client], selectors.EVENT_READ,
                                  client)
        while selector.get_map():
            for key, _ in selector.select():
                if not self._take(key.data, 1 << 16):
                    selector.unregister(key.fileobj)
        return {client: self.taken[client] for client in clients}

    def _hang_up(self, clients):
        found = [client for client in clients if client in self.peers]
        for client in found:
            self.peers.pop(client).close()
        return found
