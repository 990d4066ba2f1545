# SPDX-License-Identifier: MIT
"""A web server whose responder goes, or dies with a request in its hands."""
import fcntl
import os
import socket
import time

import pytest

import deployments
import place
from deployments import WebServer
from place import until
from tree import Link

CLIENT = "127.0.0.7"
TREE = {"default": "default", "os/boot": "os"}


WITH_SOCKET = pytest.mark.parametrize("alone", [
    name for name, kind in deployments.ALL.items()
    if issubclass(kind, WebServer) and kind.uses_socket], indirect=True)


@WITH_SOCKET
def test_a_responder_that_is_away_for_a_while(alone, tree):
    """iPXE waits and asks again on a 503 with Retry-After."""
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    assert alone.ask(client="127.0.0.8").body == b"default"
    alone.responder.stop()
    for _ in range(3):
        got = alone.ask()
        assert got.status == alone.down_status
        if alone.says_retry_after:
            assert got.headers["retry-after"] == "5"
        assert got.body.startswith(b"# ")
        # What is static is served all the same.
        assert alone.ask("/default").body == b"default"
    alone.start_responder()
    # lighttpd looks again after a second.
    assert until(lambda: (got := alone.ask()).status == 200 and got,
                 "it is back").body == b"os"


LOCK_SECONDS = 2  # that the lock on once/ is waited for


class KilledInTime:
    """A responder that is killed with a request in its hands.

    The request waits for a lock. Where the machine was busy it may have had
    its 503 before that: then this is no test, and is to be done again."""

    def __init__(self, alone, tree, start):
        self.first = start()
        self.connection = alone.connect(CLIENT)
        # On a kept connection to the responder, if the server keeps one.
        assert alone.ask_on(self.connection).body == b"default"
        tree.arm(CLIENT, "../os/boot")
        asked = time.monotonic()
        with open(tree.full("once/.lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.connection.putrequest("GET", "/redirect")
            self.connection.endheaders()
            until(lambda: place.has_open(self.first.pid, lock.name),
                  "the first one has the request and waits")
            # Another one is there to take it, if it is sent again.
            self.second = start()
            self.first.process.kill()
            self.first.process.wait()
        self.in_time = time.monotonic() - asked < LOCK_SECONDS

    def close(self):
        self.connection.close()
        assert self.second.end() == 0


@WITH_SOCKET
def test_a_request_is_never_sent_twice(alone, tree, tmp_path):
    """A web server that repeats a GET would use up a second link."""
    tree.make({**TREE, "once/.lock": ""})
    alone.responder.stop()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place.SOCKET)
        os.chmod(place.SOCKET, 0o666)
        listening.listen(100)

        def start():
            return place.Program(
                [place.FCGI], str(tmp_path / "stderr"), stdin=listening,
                env=place.clean_env(PXESRV_ROOT=place.ROOT,
                                    PXESRV_LOG=place.LOG), **place.AS_USER)

        for _ in range(5):
            killed = KilledInTime(alone, tree, start)
            if killed.in_time:
                break
            killed.close()
            alone.clear_log()
        assert killed.in_time
        response = killed.connection.getresponse()
        assert response.status == alone.dead_status
        assert response.read().startswith(b"# ")
        assert tree.link(f"once/{CLIENT}") == "../os/boot"
        assert len(until(alone.log, "its line")) == 1
        assert alone.ask_on(killed.connection).body == b"os"
        killed.close()
    os.unlink(place.SOCKET)
    alone.start_responder()
