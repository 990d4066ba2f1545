# SPDX-License-Identifier: MIT
"""Restarts under load, behind nginx, with a socket that outlives them."""
import os
import re
import signal
import subprocess

import pytest

import place
from held import HeldSocket
from deployments import Nginx
from place import until

CLIENT = "127.0.0.7"
RESTARTS, OVERLAPS, REOPENS, REQUESTS = 100, 100, 300, 50000


class NginxAlone(Nginx):
    """nginx, whose responder is somebody else's business."""

    uses_socket = False


@pytest.fixture
def nginx(tmp_path):
    server = NginxAlone(str(tmp_path))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def held(tmp_path):
    held = HeldSocket(str(tmp_path))
    yield held
    held.close()


class Load:
    """wrk, from its start until it is asked for what it saw."""

    def __init__(self, url, connections):
        self.process = subprocess.Popen(
            ["wrk", "-t", "1", "-c", str(connections), "-d", "600", url],
            stdout=subprocess.PIPE, text=True)

    def end(self):
        """Requests, and what wrk says of those that failed, or None."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=place.PATIENCE)
        requests = int(re.search(r"(\d+) requests in", said)[1])
        failed = re.search(r"Non-2xx.*|Socket errors.*", said)
        return requests, failed and failed[0]


def answered():
    """How many lines the log has, at least: they get longer."""
    longest = len('127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] '
                  '"GET /redirect HTTP/1.1" 200 7 0.0000 default default\n')
    return os.path.getsize(place.LOG) // (longest + 1)


@pytest.mark.deep
def test_no_request_fails(nginx, held, tree):
    tree.make({"default": "default", "os/boot": "os"})
    one = held.start()
    load = Load("http://127.0.0.1:4567/redirect", 16)
    try:
        until(lambda: answered() > 100, "the load is there")
        for _ in range(RESTARTS):
            assert one.end() == 0
            one = held.start()
        for _ in range(OVERLAPS):
            successor = held.start()
            assert one.end() == 0
            one = successor
        for _ in range(REOPENS):
            before = answered()
            one.process.send_signal(signal.SIGHUP)
            until(lambda: answered() > before, "it goes on")
        until(lambda: answered() > REQUESTS, "there were enough requests")
    finally:
        requests, failed = load.end()
    assert failed is None, f"{requests} requests, of which {failed}"
    assert requests >= REQUESTS
    place.figure(f"restarts: {requests} requests through nginx over "
                 f"{RESTARTS} restarts, {OVERLAPS} handed over to a "
                 f"successor, {REOPENS} HUP: none failed")
