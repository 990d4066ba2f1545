# SPDX-License-Identifier: MIT
"""HUP after a rotation of the log, when the log can and can't be opened."""
import os
import signal
import socket
import subprocess

import pytest

import place
from crowd import TREE, ask_default
from place import until

DIRECTORY = "/run/pxesrv/rotated"
LOG = DIRECTORY + "/log"
FAILED = f"pxesrv: cannot open the log {LOG}: No such file or directory; " \
    "logging to standard error\n"
AGAIN = f"pxesrv: logging to {LOG} again\n"


@pytest.fixture
def directory(tree):
    tree.make(TREE)
    os.mkdir(DIRECTORY)
    os.chown(DIRECTORY, *place.OWNER)
    yield
    subprocess.run(["rm", "-rf", DIRECTORY, DIRECTORY + ".gone"], check=True)


def hang_up(r, message, count):
    """Tells it to open the log again, and waits for what it says."""
    r.process.send_signal(signal.SIGHUP)
    until(lambda: r.messages().count(message) >= count, "it says so")


def requests_in(path):
    with open(path) as file:
        return sum('"GET /redirect' in line for line in file)


def gone():
    """The log's directory comes and goes by its name, as its right does."""
    os.rename(DIRECTORY, DIRECTORY + ".gone")


def back():
    os.rename(DIRECTORY + ".gone", DIRECTORY)


def test_each_failed_hup_is_told(responder, directory):
    r = responder(PXESRV_LOG=LOG)
    gone()
    for count in (1, 2, 3):
        hang_up(r, FAILED, count)
        ask_default(r.path)
        until(lambda: requests_in(r.stderr) == count, "its line")
    back()
    before = requests_in(LOG)
    hang_up(r, AGAIN, 1)
    ask_default(r.path)
    until(lambda: requests_in(LOG) == before + 1, "a line in the log")
    # A success after a success is nothing to tell.
    os.rename(LOG, LOG + ".1")
    r.process.send_signal(signal.SIGHUP)
    until(lambda: os.path.exists(LOG), "the log is made anew")
    gone()
    hang_up(r, FAILED, 4)
    back()
    assert (r.messages().count(FAILED), r.messages().count(AGAIN)) == (4, 1)


def test_a_log_that_comes_later(responder, directory):
    """It could not be opened at the start."""
    gone()
    r = responder(PXESRV_LOG=LOG)
    until(lambda: r.messages().count(FAILED) == 1, "the start")
    hang_up(r, FAILED, 2)
    assert r.messages().count(AGAIN) == 0
    back()


def fill(fd):
    """Writes until no more goes in. Whoever writes next would wait."""
    os.set_blocking(fd, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(fd, b"x")
    os.set_blocking(fd, True)


def test_a_hup_waits_for_nobody(directory, tmp_path):
    """Standard error is a full pipe that nobody reads."""
    path = "/run/pxesrv/rotated.sock"
    reader, writer = os.pipe()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        r = subprocess.Popen(
            [place.FCGI], stdin=listening, stdout=subprocess.DEVNULL,
            stderr=writer, **place.AS_USER, env=place.clean_env(
                PXESRV_ROOT=place.ROOT, PXESRV_LOG=LOG))
    try:
        ask_default(path)
        gone()
        fill(writer)
        r.send_signal(signal.SIGHUP)
        r.send_signal(signal.SIGTERM)  # is taken after the HUP
        assert r.wait(place.PATIENCE) == 0
    finally:
        r.kill()
        r.wait()
        back()
        os.close(reader)
        os.close(writer)
        os.unlink(path)
