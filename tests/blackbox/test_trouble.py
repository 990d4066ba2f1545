# SPDX-License-Identifier: MIT
"""What gets in the way of an answer, and what becomes of the once link then."""
import concurrent.futures
import fcntl
import os
import resource
import signal
import subprocess
import sys
import termios
import time

import pytest

import answer
import fastcgi
import place
import strace
from deployments import meta_variables
from fastcgi import Connection
from place import Program, clean_env, until
from tree import Link

CLIENT = "127.0.0.7"
ONCE = f"once/{CLIENT}"
ASKED = meta_variables("GET", "/redirect", CLIENT)
TREE = {"default": "default", "os/boot": "os"}
LARGE = bytes(8 << 20)


def ask(path, client=CLIENT, **params):
    return answer.from_cgi(fastcgi.ask(path, {
        **ASKED, "REMOTE_ADDR": client, **params}))


def decision(one):
    """What the only line in the log says of the answer."""
    lines = until(one.log, "a line in the log")
    assert len(lines) == 1, lines
    return lines[0].partition('"')[2].split(None, 6)[6]


def last_line():
    with open(place.LOG) as file:
        return (file.read().splitlines() or [""])[-1]


# PXESRV_SEND, as a web server sees it

@pytest.mark.parametrize("send, header, value", [
    ("x-accel-redirect", "x-accel-redirect", "/os/a%20b"),
    ("x-sendfile", "x-sendfile", place.ROOT + "/os/a b")])
def test_the_web_server_is_asked_to_send_the_file(
        program, tree, send, header, value):
    tree.make({**TREE, "os/a b": "x", ONCE: Link("../os/a b")})
    got = program.ask(params={"PXESRV_SEND": send})
    assert (got.status, got.body) == (200, b"")
    assert got.headers == {"content-type": "text/plain; charset=utf-8",
                           "cache-control": "no-store", header: value}
    until(lambda: tree.link("once/.served/" + CLIENT) == "../os/a b",
          "it is settled")


@pytest.mark.parametrize("send, params, target", [
    ("x-accel-redirect", {"PXESRV_ALLOW": "/"}, place.SERVERS + "/elsewhere.txt"),
    ("x-sendfile", {}, "../os/100%")])
def test_a_file_that_the_web_server_cannot_send(
        program, tree, send, params, target):
    """nginx takes no file outside its root, "%" means two things."""
    tree.make({**TREE, "os/100%": "inline", ONCE: Link(target)})
    with open(place.SERVERS + "/elsewhere.txt", "w") as file:
        file.write("inline")
    got = program.ask(params={"PXESRV_SEND": send, **params})
    assert (got.status, got.body, got.length) == (200, b"inline", 6)


# The CGI program's input and output

def start_cgi(tmp_path, body=b"", **how):
    env = clean_env(**meta_variables("GET", "/redirect", CLIENT, body))
    return Program([place.CGI], str(tmp_path / "stderr"), env=env,
                   stdout=subprocess.PIPE, **place.AS_USER, **how)


def is_full(pipe):
    in_it = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(in_it, sys.byteorder) == fcntl.fcntl(
        pipe, fcntl.F_GETPIPE_SZ)


def test_cgi_takes_the_body_before_it_answers(tree, tmp_path):
    """A web server that is still writing it must not see a closed pipe."""
    tree.make(TREE)
    body = bytes(1 << 20)
    one = start_cgi(tmp_path, body, stdin=subprocess.PIPE)
    one.process.stdin.write(body)
    one.process.stdin.close()
    assert one.process.stdout.read().endswith(b"\r\n\r\ndefault")
    assert one.end() == 0


def test_cgi_waits_for_no_body_that_does_not_come(tree, tmp_path):
    tree.make(TREE)
    one = start_cgi(tmp_path, b"as long as this", stdin=subprocess.PIPE)
    one.process.stdin.write(b"cut off")
    one.process.stdin.close()
    assert one.process.stdout.read().endswith(b"\r\n\r\ndefault")
    assert one.end() == 0


def test_cgi_is_patient_with_a_slow_web_server(tree, tmp_path):
    tree.make({**TREE, "os/large": LARGE, ONCE: Link("../os/large")})
    one = start_cgi(tmp_path)
    until(lambda: is_full(one.process.stdout), "the pipe is full")
    got = answer.from_cgi(one.process.stdout.read())
    assert got.body == LARGE
    assert one.process.wait(place.PATIENCE) == 0
    assert tree.link("once/.served/" + CLIENT) == "../os/large"


@pytest.mark.parametrize("how", ["TERM", "hangs up"])
def test_cgi_puts_the_link_back(tree, tmp_path, how):
    tree.make({**TREE, "os/large": LARGE, ONCE: Link("../os/large")})
    one = start_cgi(tmp_path)
    until(lambda: is_full(one.process.stdout), "the pipe is full")
    assert tree.claimed()
    if how == "TERM":
        assert one.end(signal.SIGTERM) == 0
    one.process.stdout.close()
    assert one.process.wait(place.PATIENCE) == 0
    assert tree.link(ONCE) == "../os/large" and not tree.claimed()
    assert last_line().endswith("once os/large (not delivered: armed again)")


@pytest.mark.parametrize("root, line", [
    (place.ROOT, "default default (not delivered)"),
    ("/nothing", "(not delivered)")])
def test_cgi_without_a_web_server(tree, tmp_path, root, line):
    tree.make({**TREE, "once/.lock": ""})
    env = clean_env(**ASKED, PXESRV_ROOT=root)
    # Whose reading end is closed before it starts.
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([place.CGI], env=env, stdout=writing,
                          stderr=subprocess.PIPE, **place.AS_USER)
    os.close(writing)
    assert done.returncode == 0
    assert last_line().endswith(line)


def test_cgi_without_descriptors(tree, tmp_path):
    """It has one for the root, and none for the file."""
    tree.make({**TREE, ONCE: Link("../os/boot")})
    one = start_cgi(tmp_path, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (4, 4)))
    got = answer.from_cgi(one.process.stdout.read())
    assert (got.status, got.body.decode()) == (
        503, f"# {ONCE} -> ../os/boot: Too many open files\n")
    assert one.end() == 0
    assert tree.link(ONCE) == "../os/boot"
    assert last_line().endswith("once os/boot (Too many open files)")


def test_cgi_without_standard_error(tree):
    tree.make(TREE)
    done = subprocess.run(
        ["sh", "-c", f"exec {place.CGI} 2>&-"], stdout=subprocess.PIPE,
        env=clean_env(**ASKED, PXESRV_LOG="-"), **place.AS_USER)
    assert done.stdout.endswith(b"default")


# What stands in the tree

def test_grub_clear_in_a_directory_that_is_closed(program, tree):
    tree.make({"grub/2.06/grub.cfg-7F000007": "x"})
    os.chmod(tree.full("grub/2.06"), 0o555)
    got = program.ask("/grub/clear/2.06")
    os.chmod(tree.full("grub/2.06"), 0o755)
    assert (got.status, got.body.decode()) == (
        403, "# grub.cfg-7F000007: Permission denied\n")
    assert os.path.exists(tree.full("grub/2.06/grub.cfg-7F000007"))


def test_an_allowed_directory_that_is_closed(program, tree):
    where = place.SERVERS + "/closed"
    os.mkdir(where)
    os.chown(where, *place.OWNER)
    os.chmod(where, 0)
    try:
        tree.make({**TREE, "static/" + CLIENT: Link("/etc/passwd")})
        assert program.ask(params={
            "PXESRV_ALLOW": where + "/inside"}).status == 403
        assert program.ask(params={
            "PXESRV_ALLOW": where + "/inside:/etc"}).status == 200
    finally:
        os.rmdir(where)


def test_once_is_closed_and_has_no_claimed_yet(program, tree):
    tree.make({**TREE, ONCE: Link("../os/boot"), "once/.lock": ""})
    os.chmod(tree.full("once"), 0o555)
    got = program.ask()
    os.chmod(tree.full("once"), 0o755)
    assert (got.status, got.body.decode()) == (
        503, f"# {ONCE} -> ../os/boot: Permission denied\n")
    assert tree.link(ONCE) == "../os/boot"


def test_served_is_no_directory(program, tree):
    tree.make({**TREE, ONCE: Link("../os/boot"), "once/.served": "x"})
    program.clear_log()
    assert program.ask().body == b"os"
    claim, = tree.claimed()
    assert decision(program) == (
        f"once os/boot (Not a directory: the link stays at "
        f"once/.claimed/{claim})")
    # A grace can't look there either.
    got = program.ask(params={"PXESRV_ONCE_GRACE": "60"})
    assert (got.status, got.body.decode()) == (
        404, f"# {ONCE}: Not a directory\n")
    os.unlink(tree.full("once/.claimed/" + claim))


def test_claimed_cannot_be_read(program, tree):
    tree.make({**TREE, "once/.claimed/x": "x"})
    os.unlink(tree.full("once/.claimed/x"))
    os.chmod(tree.full("once/.claimed"), 0o300)
    got = program.ask(params={"PXESRV_ONCE_GRACE": "60"})
    os.chmod(tree.full("once/.claimed"), 0o755)
    assert (got.status, got.body.decode()) == (
        403, f"# {ONCE}: Permission denied\n")


def test_a_grace_is_not_for_others(program, tree):
    other = "once/.claimed/127.0.0.8.0123456789abcdef"
    tree.make({**TREE, ONCE: Link("../os/boot"), other: Link("../os/boot")})
    for body in (b"os", b"os"):
        assert program.ask(params={"PXESRV_ONCE_GRACE": "60"}).body == body
    assert program.ask().body == b"default"
    until(lambda: tree.claimed() == [os.path.basename(other)],
          "the own one is settled")
    os.unlink(tree.full(other))


# While an answer is under way

def test_a_link_that_cannot_be_put_back(responder, tree):
    r = responder()
    tree.make({**TREE, "os/large": LARGE, ONCE: Link("../os/large")})
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED))
        peer._exactly(1000)
        claim, = tree.claimed()
        os.chmod(tree.full("once"), 0o555)
    until(lambda: "GET /redirect" in last_line(), "the log")
    os.chmod(tree.full("once"), 0o755)
    assert last_line().endswith(
        f"(not delivered: Permission denied; left at once/.claimed/{claim})")
    os.unlink(tree.full("once/.claimed/" + claim))


@pytest.mark.skipif(place.IS_SANITIZED,
                    reason="the sanitizers have threads of their own")
@pytest.mark.parametrize("entry, call, calls", [
    (ONCE, "openat2", 1), (ONCE, "readlinkat", 1),
    (f"static/{CLIENT}", "openat2", 1),
    (f"static/{CLIENT}", "fstat,newfstatat", 1),
    ("default", "openat2", 2)])  # it is tried as a file, then as a link
def test_a_stale_file_is_looked_for_once_more(
        responder, tree, tmp_path, entry, call, calls):
    """Another server has replaced what the kernel of this one remembers."""
    r = responder(PXESRV_THREADS="1")
    target = "os/boot" if entry == "default" else "../os/boot"
    tree.make({"os/boot": "os", "once/.lock": "", entry: Link(target)})
    for failures, status in ((2 * calls, 503), (2 * calls - 1, 200)):
        failing = strace.Strace(strace.worker(r.pid), str(tmp_path / "calls"),
                                f"{call}:error=ESTALE:when=1..{failures}")
        try:
            assert ask(r.path).status == status
        finally:
            failing.detach()


@pytest.mark.skipif(place.IS_SANITIZED,
                    reason="the sanitizers have threads of their own")
def test_a_link_is_put_back_where_nothing_knows_noreplace(
        responder, tree, tmp_path):
    """As on NFS, where renameat2(2) has no flags."""
    r = responder(PXESRV_THREADS="1")
    tree.make({**TREE, "os/large": LARGE, ONCE: Link("../os/large")})
    with Connection(r.path) as peer:
        until(lambda: strace.is_waiting(strace.worker(r.pid)), "it waits")
        failing = strace.Strace(strace.worker(r.pid), str(tmp_path / "calls"),
                                "renameat2:error=EINVAL")
        peer.send(fastcgi.request(ASKED))
        peer._exactly(1000)
    try:
        until(lambda: "GET /redirect" in last_line(), "the log")
    finally:
        failing.detach()
    assert failing.has_injected()
    assert last_line().endswith("(not delivered: armed again)")
    assert tree.link(ONCE) == "../os/large"


def test_served_cannot_be_made(responder, tree):
    r = responder()
    tree.make({**TREE, "os/large": LARGE, ONCE: Link("../os/large")})
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED))
        peer._exactly(1000)
        claim, = tree.claimed()
        if os.path.exists(tree.full("once/.served")):
            os.rmdir(tree.full("once/.served"))
        os.chmod(tree.full("once"), 0o555)
        while peer.socket.recv(1 << 16):
            continue
    until(lambda: "GET /redirect" in last_line(), "the log")
    os.chmod(tree.full("once"), 0o755)
    assert last_line().endswith(
        f"(Permission denied: the link stays at once/.claimed/{claim})")
    os.unlink(tree.full("once/.claimed/" + claim))


def test_a_static_answer_breaks_off(responder, tree):
    r = responder()
    tree.make({**TREE, "os/large": LARGE,
               "static/" + CLIENT: Link("../os/large")})
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED))
        peer._exactly(1000)
    until(lambda: "GET /redirect" in last_line(), "the log")
    assert last_line().endswith("static os/large (not delivered)")


# While the lock is waited for

def test_a_link_that_is_replaced_while_the_lock_is_waited_for(
        responder, tree):
    """The new one is looked at before it moves."""
    r = responder()
    tree.make({**TREE, "os/new": "new", "once/.lock": ""})
    tree.arm(CLIENT, "../os/boot")
    with open(tree.full("once/.lock")) as lock, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        got = pool.submit(ask, r.path)
        until(lambda: place.has_open(r.pid, lock.name), "it waits")
        tree.arm(CLIENT, "../os/new")
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert got.result().body == b"new"


def test_threads_that_wait_for_each_other_do_so_not_for_ever(responder, tree):
    """Two seconds from when each has begun, not one after the other."""
    r = responder(PXESRV_THREADS="4")
    tree.make({**TREE, "once/.lock": ""})
    clients = [f"127.0.0.{number}" for number in range(20, 24)]
    for client in clients:
        tree.arm(client, "../os/boot")
    with open(tree.full("once/.lock")) as lock, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for got in pool.map(lambda client: ask(r.path, client), clients):
            assert got.status == 503
    for client in clients:
        assert ask(r.path, client).body == b"os"


# When there is not room for all connections

def test_a_silent_kept_connection_makes_room(responder, tree):
    """Not one on which the next request has come already."""
    r = responder(PXESRV_THREADS="1", preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (30, 30)))
    tree.make(TREE)
    request = fastcgi.request(ASKED, keep=True)
    room = 30 - 16 - 7  # what pool.c leaves for connections
    kept = [Connection(r.path) for _ in range(room)]
    for peer in kept:
        peer.send(request)
        assert answer.from_cgi(peer.read_answer()).body == b"default"
    r.halt()
    with Connection(r.path) as late:
        late.send(request[:50])
        silent = kept.pop()
        for peer in kept:
            peer.send(request)
        r.go_on()
        assert silent.is_closed()
        silent.close()
        for peer in kept:
            assert answer.from_cgi(peer.read_answer()).body == b"default"
            peer.close()
        late.send(request[50:])
        assert answer.from_cgi(late.read_answer()).body == b"default"


def test_a_request_that_came_while_all_workers_were_busy(responder, tree):
    """Its time is over before it is looked at, but it is whole."""
    r = responder(PXESRV_THREADS="1")
    tree.make({**TREE, "os/large": LARGE,
               "static/127.0.0.8": Link("../os/large")})
    request = fastcgi.request(ASKED)
    with Connection(r.path) as early, Connection(r.path) as busy:
        early.send(request[:50])
        # It has looked at that one before it takes this one.
        busy.send(fastcgi.request({**ASKED, "REMOTE_ADDR": "127.0.0.8"}))
        busy._exactly(1000)
        early.send(request[50:])
        # Its patience is a time: nothing tells when it is over.
        time.sleep(11)
        busy.close()
        assert answer.from_cgi(early.read_answer()).body == b"default"


def test_a_start_without_descriptors():
    done = subprocess.run(
        [place.FCGI, "-s", "/run/pxesrv/x"], stdin=subprocess.DEVNULL,
        env=clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG=place.LOG),
        capture_output=True, text=True, timeout=place.PATIENCE,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (8, 8)), **place.AS_USER)
    assert done.returncode == 71
    assert "cannot start: Too many open files" in done.stderr
    assert not os.path.exists("/run/pxesrv/x")
