# SPDX-License-Identifier: MIT
"""A web server whose responder goes, or dies with a request in its hands."""
import fcntl
import os
import socket

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


@WITH_SOCKET
def test_a_request_is_never_sent_twice(alone, tree, tmp_path):
    """A web server that repeats a GET would use up a second link."""
    tree.make({**TREE, "once/.lock": ""})
    alone.responder.stop()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place.SOCKET)
        os.chmod(place.SOCKET, 0o666)
        listening.listen(100)

        def start(number):
            return place.Program(
                [place.FCGI], str(tmp_path / f"{number}"), stdin=listening,
                env=place.clean_env(PXESRV_ROOT=place.ROOT,
                                    PXESRV_LOG=place.LOG), **place.AS_USER)

        first = start(1)
        connection = alone.connect(CLIENT)
        # On a kept connection to the responder, if the server keeps one.
        assert alone.ask_on(connection).body == b"default"
        tree.arm(CLIENT, "../os/boot")
        with open(tree.full("once/.lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            connection.putrequest("GET", "/redirect")
            connection.endheaders()
            until(lambda: place.has_open(first.pid, lock.name),
                  "the first one has the request and waits")
            # Another one is there to take it, if it is sent again.
            second = start(2)
            first.process.kill()
            first.process.wait()
        response = connection.getresponse()
        assert response.status == alone.dead_status
        body = response.read()
        assert body.startswith(b"# ") or not alone.says_retry_after
        assert tree.link(f"once/{CLIENT}") == "../os/boot"
        assert len(alone.log()) == 1
        assert alone.ask_on(connection).body == b"os"
        connection.close()
        assert second.end() == 0
    os.unlink(place.SOCKET)
    alone.start_responder()
