# SPDX-License-Identifier: MIT
"""500 clients, each with a link of its own, that hang up right after the GET.

A peer that is gone when its request is looked at keeps its link, always. Else a
link is used up only when the whole answer was written to a connection that was
open still. The web server may throw it away unread if it sees a moment later
that its client has gone: the figures say how often that was.
"""
import os
import re
import signal
import socket
import struct

import pytest

import crowd
import place
from deployments import Nginx
from fastcgi import Connection
from place import children_of, until

CLIENTS = crowd.clients(500)
GET = b"GET /redirect HTTP/1.1\r\nHost: x\r\n\r\n"


def arm_all(tree):
    tree.make(crowd.TREE)
    for client in CLIENTS:
        tree.arm(client, "../os/boot")


def lines_of(log):
    """The lines of a log that are of a request, by client."""
    found = {}
    with open(log) as file:
        for line in file:
            if " - - [" in line and '"GET /redirect' in line:
                found.setdefault(line.split()[0], []).append(line)
    return found


def settled(tree):
    """Which are armed, and which were served. There is no third."""
    assert tree.claimed() == []
    armed = {c for c in CLIENTS if tree.link(f"once/{c}")}
    served = {c for c in CLIENTS if tree.link(f"once/.served/{c}")}
    assert armed | served == set(CLIENTS), "lost"
    assert not armed & served
    return armed, served


def check_log(lines, armed, served):
    """It says of each link what has become of it."""
    for client in served:
        assert len(lines[client]) == 1
        assert re.search(r'" 200 2 [0-9.]+ once os/boot$',
                         lines[client][0].rstrip()), lines[client]
    for line in (line for client in armed for line in lines.get(client, [])):
        assert '" 499 ' in line or "armed again)" in line, line


def check_unmoved(lines):
    """No link was claimed, not even to be put back."""
    for line in (line for of_one in lines.values() for line in of_one):
        assert line.rstrip().endswith("(the peer has hung up: still armed)")


def test_peers_that_are_gone_before_they_are_looked_at(responder, tree):
    r = responder(PXESRV_THREADS="2")
    arm_all(tree)
    r.halt()
    try:
        for client in CLIENTS:
            with Connection(r.path) as peer:
                peer.send(crowd.get(client))
    finally:
        r.go_on()
    until(lambda: len(lines_of(place.LOG)) == len(CLIENTS), "all are logged")
    armed, served = settled(tree)
    assert not served
    check_unmoved(lines_of(place.LOG))
    crowd.ask_default(r.path)


def test_peers_that_hang_up_while_they_are_looked_at(responder, tree):
    r = responder(PXESRV_THREADS="2")
    arm_all(tree)
    for client in CLIENTS:
        with Connection(r.path) as peer:
            peer.send(crowd.get(client))
    until(lambda: len(lines_of(place.LOG)) == len(CLIENTS), "all are logged")
    until(lambda: not tree.claimed(), "the claims are settled")
    armed, served = settled(tree)
    check_log(lines_of(place.LOG), armed, served)
    place.figure(f"500 peers hang up right after the GET: {len(armed)} links "
                 f"still armed, {len(served)} answered before")


class LoggingNginx(Nginx):
    """nginx, which logs how much of an answer it has read."""

    def change(self, text):
        return text.replace(
            "access_log off;",
            "log_format read '$remote_addr $upstream_bytes_received'; "
            f"access_log {self.directory}/read.log read;")

    def read(self):
        """Bytes of the first answer to each client, as far as it had one."""
        found = {}
        with open(f"{self.directory}/read.log") as file:
            for line in file:
                client, size = line.split()
                found.setdefault(client, int(size) if size.isdigit() else 0)
        return found

    def clients(self):
        """How many connections of clients it has not closed yet."""
        with open("/proc/net/tcp") as file:
            rows = [line.split() for line in file][1:]
        return sum(row[1].endswith(f":{self.port:04X}")
                   and row[3] in ("01", "08")  # ESTABLISHED, CLOSE_WAIT
                   for row in rows)

    def sockets(self):
        """How many its workers have open."""
        count = 0
        for directory in (f"/proc/{pid}/fd"
                          for pid in children_of(self.server.pid)):
            for fd in os.listdir(directory):
                try:
                    link = os.readlink(f"{directory}/{fd}")
                    count += link.startswith("socket:")
                except FileNotFoundError:
                    pass  # closed meanwhile
        return count


@pytest.fixture
def nginx():
    directory = os.path.join(place.SERVERS, "hang-up")
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o777)
    one = LoggingNginx(directory)
    one.start()
    os.truncate(f"{directory}/read.log", 0)
    yield one
    one.stop()


def connect(server, client):
    return socket.create_connection(("127.0.0.1", server.port), place.PATIENCE,
                                    (client, 0))


def ask(server, client):
    """A client that has asked, and does not wait for the answer."""
    peer = connect(server, client)
    peer.sendall(GET)
    return peer


def hang_up(peer, reset):
    if reset:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
    peer.close()


def test_clients_of_nginx_that_are_gone_before_the_responder_looks(
        nginx, tree):
    arm_all(tree)
    until(lambda: not nginx.clients(), "nginx is at rest")
    sockets = nginx.sockets()
    nginx.responder.halt()
    try:
        # Not more at a time than one worker of nginx can have.
        for half in CLIENTS[:250], CLIENTS[250:]:
            peers = [ask(nginx, client) for client in half]
            until(lambda: nginx.sockets() >= sockets + 2 * len(half),
                  "nginx has passed them on")
            for number, peer in enumerate(peers):
                hang_up(peer, number % 2)
            until(lambda: nginx.sockets() <= sockets,
                  "nginx has let them go")
    finally:
        nginx.responder.go_on()
    # Behind all the others; the end waits for those that are under way.
    assert nginx.ask(client="127.0.0.1").body == b"default"
    nginx.responder.stop()
    armed, served = settled(tree)
    assert not served
    lines = lines_of(place.LOG)
    lines.pop("127.0.0.1")
    check_unmoved(lines)
    assert len(lines) > 400, "they did not come so far: no test"
    nginx.start_responder()
    assert all(nginx.ask(client=c).body == b"os" for c in CLIENTS)


def test_clients_of_nginx_that_hang_up(nginx, tree):
    arm_all(tree)
    for number, client in enumerate(CLIENTS):
        hang_up(ask(nginx, client), number % 2)
    until(lambda: not nginx.clients(), "nginx has let all of them go")
    nginx.responder.stop()
    armed, served = settled(tree)
    check_log(lines_of(place.LOG), armed, served)
    nginx.start_responder()
    assert all(nginx.ask(client=c).body == b"os" for c in armed)
    assert all(nginx.ask(client=c).body == b"default" for c in served)
    read = nginx.read()
    unread = [client for client in served if not read.get(client)]
    place.figure(f"500 clients of nginx hang up right after the GET: "
                 f"{len(armed)} links still armed, {len(served)} used up, of "
                 f"which nginx threw away {len(unread)} unread")


@pytest.mark.parametrize("alone", ["lighttpd"], indirect=True)
def test_a_client_of_lighttpd_that_is_gone_before_the_responder_looks(
        alone, tree):
    """It closes without a reset, which lighttpd would act on by itself.

    lighttpd does not watch a client whose request is there when it accepts the
    connection, as over a network it hardly ever is."""
    def loop_twice():
        # What had happened before the last of these has been seen.
        assert all(alone.ask("/default").status == 200 for _ in range(2))

    client = CLIENTS[0]
    tree.make(crowd.TREE)
    tree.arm(client, "../os/boot")
    alone.responder.halt()
    try:
        peer = connect(alone, client)
        loop_twice()
        peer.sendall(GET)
        loop_twice()
        peer.close()
        loop_twice()
    finally:
        alone.responder.go_on()
    until(lambda: client in lines_of(place.LOG), "it is looked at")
    check_unmoved(lines_of(place.LOG))
    assert tree.link(f"once/{client}") == "../os/boot"
