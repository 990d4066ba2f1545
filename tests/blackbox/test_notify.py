# SPDX-License-Identifier: MIT
"""What pxesrv.fcgi tells the service manager, by sd_notify(3)."""
import fcntl
import os
import socket
import subprocess

import pytest

import place
import strace
from place import Program, clean_env, until
from responder import Responder, accepts


@pytest.fixture(params=["/run/pxesrv/notify.sock", "@pxesrv-notify"])
def manager(request):
    """The socket of one that is to be told, and what it is called."""
    name = request.param
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(name.replace("@", "\0"))
        s.settimeout(place.PATIENCE)
        if name[0] == "/":
            os.chmod(name, 0o666)
        yield s, name
        if name[0] == "/":
            os.unlink(name)


def test_it_is_ready_and_stops(tree, manager, tmp_path):
    s, name = manager
    tree.make({"default": "default"})
    path = "/run/pxesrv/told.sock"
    responder = Responder(str(tmp_path / "stderr"), path=path,
                          env={"NOTIFY_SOCKET": name})
    assert s.recv(100) == b"READY=1"
    assert accepts(path)
    responder.stop()
    assert s.recv(100) == b"STOPPING=1"
    s.setblocking(False)
    with pytest.raises(BlockingIOError):
        s.recv(100)


def test_it_is_not_ready_before_it_listens(tree, manager, tmp_path):
    """Its start is held up where it makes its socket."""
    s, name = manager
    tree.make({"default": "default"})
    path = "/run/pxesrv/told.sock"
    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    one = Program([place.FCGI, "-s", path], str(tmp_path / "stderr"),
                  env=clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG=place.LOG,
                                NOTIFY_SOCKET=name), **place.AS_USER)
    try:
        try:
            until(lambda: strace.waits_for_a_lock(one.pid), "it waits")
            s.setblocking(False)
            with pytest.raises(BlockingIOError):
                s.recv(100)
        finally:
            os.close(directory)
        s.settimeout(place.PATIENCE)
        assert s.recv(100) == b"READY=1"
        assert accepts(path)
    finally:
        assert one.end() == 0, one.messages()


def test_a_manager_that_is_gone_holds_up_nothing(tree, manager, tmp_path):
    s, name = manager
    tree.make({"default": "default"})
    responder = Responder(str(tmp_path / "stderr"),
                          path="/run/pxesrv/told.sock",
                          env={"NOTIFY_SOCKET": name})
    assert s.recv(100) == b"READY=1"
    s.close()
    responder.stop()
    assert "NOTIFY_SOCKET: STOPPING=1: Connection refused" in \
        responder.messages()


@pytest.mark.parametrize("name, status", [
    ("", 78), ("run/notify.sock", 78), ("/" + "x" * 108, 78),
    ("/run/pxesrv/nobody.sock", 71), ("@pxesrv-nobody", 71)])
def test_nobody_to_tell(tree, name, status):
    """It would be waited for in vain, so it says so instead."""
    tree.make({"default": "default"})
    done = subprocess.run(
        [place.FCGI, "-s", "/run/pxesrv/told.sock"], text=True,
        env=clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG=place.LOG,
                      NOTIFY_SOCKET=name),
        stdin=subprocess.DEVNULL, capture_output=True,
        timeout=place.PATIENCE, **place.AS_USER)
    assert done.returncode == status
    assert f"NOTIFY_SOCKET={name}" in done.stderr
    assert not os.path.exists("/run/pxesrv/told.sock")
