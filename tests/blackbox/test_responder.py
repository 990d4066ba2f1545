# SPDX-License-Identifier: MIT
"""pxesrv.fcgi as a program: its socket, options, signals, log."""
import contextlib
import fcntl
import grp
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

import answer
import fastcgi
import place
from deployments import meta_variables
from fastcgi import Connection
from place import Program, clean_env, until
from responder import accepts
from tree import Directory, Fifo, Link

CLIENT = "127.0.0.7"
ASKED = meta_variables("GET", "/redirect", CLIENT)
TREE = {"default": "default", "os/boot": "os"}
SLOW = bytes(range(256)) * 4096  # far more than a socket takes
ENV = {"PXESRV_ROOT": place.ROOT, "PXESRV_LOG": place.LOG}


def ask(path, **params):
    return answer.from_cgi(fastcgi.ask(path, {**ASKED, **params}))


def run(*arguments, env=None, **how):
    """Runs it to its end: exit status, and what it said."""
    done = subprocess.run(
        [place.FCGI, *arguments], env=clean_env(**(ENV if env is None else env)),
        stdin=how.pop("stdin", subprocess.DEVNULL), capture_output=True,
        text=True, timeout=place.PATIENCE, **place.AS_USER, **how)
    return done.returncode, done.stdout, done.stderr


# The listening socket, by three ways

@pytest.fixture
def listening():
    """A socket as a service manager holds it."""
    path = "/run/pxesrv/held.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        try:
            os.chmod(path, 0o666)
            s.listen(4096)
            yield s, path
        finally:
            os.unlink(path)


def with_listen_fds(listening, stderr, env=None):
    """Starts it the way systemd does: sd_listen_fds(3)."""
    s, _ = listening
    starter = ("import os; os.dup2(%d, 3); "
               "os.environ.update(LISTEN_PID=str(os.getpid()), "
               "LISTEN_FDS='1'); os.execv(%r, [%r])"
               % (s.fileno(), place.FCGI, place.FCGI))
    return Program([sys.executable, "-c", starter], stderr,
                   env=clean_env(**{**ENV, **(env or {})}),
                   pass_fds=[s.fileno()], **place.AS_USER)


def with_descriptor_0(listening, stderr, env=None):
    """The way of spawn-fcgi and lighttpd."""
    s, _ = listening
    return Program([place.FCGI], stderr, stdin=s,
                   env=clean_env(**{**ENV, **(env or {})}), **place.AS_USER)


@pytest.mark.parametrize("start", [with_listen_fds, with_descriptor_0])
def test_a_passed_socket_is_served_and_outlives_it(
        tree, tmp_path, listening, start):
    tree.make(TREE)
    for number in range(3):
        program = start(listening, str(tmp_path / f"{number}"))
        assert ask(listening[1]).body == b"default"
        assert program.end() == 0
        # Whoever comes now waits for the successor.
        assert accepts(listening[1])


def test_a_connection_made_while_it_is_restarted_is_answered(
        tree, tmp_path, listening):
    tree.make(TREE)
    first = with_listen_fds(listening, str(tmp_path / "1"))
    assert ask(listening[1]).body == b"default"
    assert first.end() == 0
    with Connection(listening[1]) as peer:
        peer.send(fastcgi.request(ASKED))
        second = with_listen_fds(listening, str(tmp_path / "2"))
        assert answer.from_cgi(peer.read_answer()).body == b"default"
    assert second.end() == 0


def test_spawn_fcgi(tree, tmp_path):
    path = "/run/pxesrv/spawned.sock"
    tree.make(TREE)
    program = Program(["spawn-fcgi", "-n", "-s", path, "--", place.FCGI],
                      str(tmp_path / "spawned"), env=clean_env(**ENV),
                      **place.AS_USER)
    until(lambda: accepts(path), "spawn-fcgi")
    assert ask(path).body == b"default"
    assert program.end() == 0
    os.unlink(path)


def test_a_tcp_socket(tree, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
        program = Program([place.FCGI], str(tmp_path / "tcp"), stdin=s,
                          env=clean_env(**ENV), **place.AS_USER)
        request = fastcgi.request(ASKED)
        # The first hangs up before it is looked at.
        program.halt()
        with socket.create_connection(s.getsockname()) as gone:
            gone.sendall(request)
        # The second does so with a reset.
        with socket.create_connection(s.getsockname()) as reset:
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        program.go_on()
        with socket.create_connection(s.getsockname()) as peer:
            peer.sendall(request)
            peer.settimeout(place.PATIENCE)
            out = b""
            while piece := peer.recv(65536):
                out += piece
        assert b"\r\n\r\nos" in out
        assert program.end() == 0


def test_no_socket():
    status, out, err = run()
    assert status == 64 and out == "" and "no socket" in err


def test_wrong_listen_fds():
    for fds in ("2", "0", "x", "-1"):
        status, _, err = run("-s", "/run/pxesrv/x", env={**ENV,
                             "LISTEN_PID": "1", "LISTEN_FDS": fds,
                             "PXESRV_LOG": "bad"})
        assert status == 78  # those of another process do not matter
        done = subprocess.run(
            ["sh", "-c", f"LISTEN_PID=$$ LISTEN_FDS={fds} exec {place.FCGI}"],
            env=clean_env(**ENV), stdin=subprocess.DEVNULL, text=True,
            capture_output=True, timeout=place.PATIENCE)
        assert done.returncode == 64 and "LISTEN_FDS" in done.stderr
    done = subprocess.run(
        ["sh", "-c", f"exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 "
         f"exec {place.FCGI}"], env=clean_env(**ENV),
        stdin=subprocess.DEVNULL, text=True, capture_output=True,
        timeout=place.PATIENCE)
    assert done.returncode == 71 and "LISTEN_FDS" in done.stderr


def test_an_own_socket(responder, tree):
    r = responder("-m", "0620")
    assert os.stat(r.path).st_mode & 0o7777 == 0o620
    r.stop()
    assert not os.path.exists(r.path)
    number = place.OWNER[1]
    for group in (grp.getgrgid(number).gr_name, str(number)):
        r = responder("-g", group)
        assert os.stat(r.path).st_mode & 0o7777 == 0o660
        assert os.stat(r.path).st_gid == number
        r.stop()


@pytest.mark.skipif(not place.AS_ROOT, reason="only root gives sockets away")
def test_the_owner_of_an_own_socket(tmp_path):
    path = "/run/pxesrv/owned.sock"
    program = Program(
        [place.FCGI, "-s", path, "-u", "daemon", "-g", "12345"],
        str(tmp_path / "stderr"), env=clean_env(**ENV))
    until(lambda: accepts(path), "the socket")
    st = os.stat(path)
    assert (st.st_uid, st.st_gid) == (1, 12345)
    assert program.end() == 0


def test_what_is_at_the_path_of_an_own_socket(responder, tree, tmp_path):
    path = "/run/pxesrv/occupied"
    with open(path, "w") as file:
        file.write("precious")
    status, _, err = run("-s", path)
    assert status == 71 and path in err
    with open(path) as file:
        assert file.read() == "precious"
    os.unlink(path)

    r = responder()
    status, _, err = run("-s", r.path)
    assert status == 71 and "another program serves" in err
    tree.make(TREE)
    assert ask(r.path).body == b"default"

    # A stale one is replaced.
    r.end(signal.SIGKILL)
    assert os.path.exists(r.path)
    assert ask(responder().path).body == b"default"

    for bad in ("", "x" * 108, "/nothing/x", "/etc/passwd/x"):
        status, _, err = run("-s", bad)
        assert status in (64, 71) and err


def test_a_socket_that_it_may_not_connect_to():
    path = "/run/pxesrv/foreign"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
    os.chmod(path, 0)
    status, _, err = run("-s", path)
    assert status == 71 and "another program" not in err
    assert f"{path}: cannot tell whether a program serves it: " \
        "Permission denied" in err
    assert os.path.exists(path)
    os.unlink(path)


@pytest.mark.parametrize("closed", [(0, 1, 2), (2,), (0,)])
def test_standard_descriptors_that_are_closed(responder, tree, closed):
    tree.make(TREE)
    close = " ".join(f"{fd}>&-" for fd in closed)
    r = responder(program=("sh", "-c", f'exec "$0" "$@" {close}', place.FCGI))
    assert ask(r.path).body == b"default"
    for fd in closed:
        assert os.readlink(f"/proc/{r.pid}/fd/{fd}") == "/dev/null"
    until(lambda: lines_of(place.LOG), "the line in the log")


def test_standard_output_that_is_closed():
    done = subprocess.run(["sh", "-c", 'exec "$0" -V >&-', place.FCGI],
                          env=clean_env(), stderr=subprocess.PIPE, text=True)
    assert done.returncode == 71 and "Bad file descriptor" in done.stderr


def test_a_directory_that_is_closed_to_it(responder, tree, tmp_path):
    where = "/run/pxesrv/closed"
    path = where + "/x"
    os.mkdir(where)
    os.chown(where, *place.OWNER)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)  # a stale one
        os.chown(path, *place.OWNER)
    for mode in (0o444, 0o555):
        os.chmod(where, mode)
        status, _, err = run("-s", path)
        assert status == 71 and f"{path}: Permission denied" in err
    os.chmod(where, 0o755)
    os.unlink(path)
    os.chmod(where, 0o555)
    status, _, err = run("-s", path)
    assert status == 71 and f"{path}: Permission denied" in err
    os.chmod(where, 0o755)
    # It can make this one, but not give it away.
    status, _, err = run("-s", path, "-u", "0")
    assert status == 71 and f"{path}: " in err
    os.rmdir(where)  # with nothing left in it


def test_two_started_at_once_do_not_take_each_other_for_stale(tree, tmp_path):
    tree.make(TREE)
    for number in range(20):
        path = f"/run/pxesrv/race{number}.sock"
        two = [Program([place.FCGI, "-s", path], str(tmp_path / f"race{i}"),
                       env=clean_env(**ENV), **place.AS_USER)
               for i in range(2)]
        until(lambda: accepts(path), "one of them")
        until(lambda: not all(p.is_running() for p in two), "the other ends")
        assert ask(path).body == b"default"
        assert sorted(p.end() for p in two) == [0, 71]


# Options and settings

@pytest.mark.parametrize("arguments", [
    ["-x"], ["word"], ["-s"], ["-m", "0660"], ["-u", "root"],
    ["-s", "/run/pxesrv/x", "-m", "9"], ["-s", "/run/pxesrv/x", "-m", "1777"],
    ["-s", "/run/pxesrv/x", "-m", ""], ["-s", "/run/pxesrv/x", "-m", "0x1"],
    ["-s", "/run/pxesrv/x", "-u", "no such user"],
    ["-s", "/run/pxesrv/x", "-u", "-1"],
    ["-s", "/run/pxesrv/x", "-u", "4294967295"],
    ["-s", "/run/pxesrv/x", "-g", "no such group"],
    ["-s", "/run/pxesrv/x", "more"],
])
def test_wrong_usage(arguments):
    status, out, err = run(*arguments)
    assert status == 64 and out == "" and err
    assert not os.path.exists("/run/pxesrv/x")


def test_help_and_version():
    status, out, err = run("-h")
    assert status == 0 and out.startswith("usage: ") and err == ""
    assert len(out.splitlines()) <= 24
    assert all(len(line) <= 80 for line in out.splitlines())
    status, out, err = run("-V")
    assert status == 0 and out.startswith("pxesrv.fcgi ") and err == ""
    with open("/dev/full", "w") as full:
        done = subprocess.run([place.FCGI, "-V"], env=clean_env(), stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 71 and "No space left" in done.stderr


@pytest.mark.parametrize("name, value", [
    ("PXESRV_THREADS", "0"), ("PXESRV_THREADS", "abc"),
    ("PXESRV_THREADS", "4 "), ("PXESRV_THREADS", "65537"),
    ("PXESRV_SEND", "nginx"), ("PXESRV_ONCE_GRACE", "1h"),
    ("PXESRV_ROOT", "public"), ("PXESRV_LOG", "log"),
    ("PXESRV_ALLOW", "/a:b"),
])
def test_a_setting_that_does_not_parse(name, value):
    for arguments in (["-s", "/run/pxesrv/x"], ["-t"]):
        status, _, err = run(*arguments, env={**ENV, name: value})
        assert status == 78
        assert name in err and value in err
    assert not os.path.exists("/run/pxesrv/x")


@pytest.mark.parametrize("root", ["/nothing", "/etc/passwd"])
def test_a_root_that_is_none(root):
    for arguments in (["-s", "/run/pxesrv/x"], ["-t"]):
        status, _, err = run(*arguments, env={**ENV, "PXESRV_ROOT": root})
        assert status == 78 and root in err
    assert not os.path.exists("/run/pxesrv/x")


def test_a_root_that_goes_while_it_runs(responder, tree):
    tree.make({"1/once": Directory(), "2/default": "default",
               "link": Link("1")})
    link = tree.full("link")
    r = responder(PXESRV_ROOT=link)
    got = ask(r.path)
    assert got.status == 404
    os.unlink(link)
    got = ask(r.path)
    assert got.status == 503 and got.headers["retry-after"] == "5"
    # Moved to another tree: seen at once.
    os.symlink(tree.full("2"), link)
    assert ask(r.path).body == b"default"


def test_broken_entries_cost_no_descriptor(responder, tree):
    r = responder()
    tree.make({**TREE, "fifo": Fifo(), "way": Link(tree.full("os"))})
    ask(r.path)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED))
        peer.read_answer()
        assert peer.is_closed()
    descriptors = r.descriptors()
    for target in ("../os", "../fifo", "../x", "..", "/etc/passwd",
                   "../way", "../way/x", "../way/../fifo"):
        tree.arm(CLIENT, target)
        assert ask(r.path).status in (403, 404)
    until(lambda: r.descriptors() <= descriptors, "descriptors are back")


def test_the_root_from_the_web_server(responder, tree):
    tree.make(TREE)
    r = responder(PXESRV_ROOT=None)
    assert ask(r.path).body == b"default"
    assert ask(r.path, DOCUMENT_ROOT="/nothing").status == 503
    params = {k: v for k, v in ASKED.items() if k != "DOCUMENT_ROOT"}
    got = answer.from_cgi(fastcgi.ask(r.path, params))
    assert got.status == 500


def test_check(tree):
    tree.make(TREE)
    assert run("-t", env={**ENV, "PXESRV_LOG": "-"}) == (0, "", "")
    tree.add("once", Directory())
    assert run("-t") == (0, "", "")
    # The log is not there yet, but can be made.
    log = place.SERVERS + "/new.log"
    assert run("-t", env={**ENV, "PXESRV_LOG": log}) == (0, "", "")
    assert not os.path.exists(log)
    os.unlink(tree.full("default"))
    status, _, err = run("-t")
    assert status == 0 and "default" in err
    tree.add("default", Link("os/x"))
    status, _, err = run("-t")
    assert status == 78 and "default" in err and "No such file" in err
    os.unlink(tree.full("default"))
    tree.add("default", "default")
    status, _, err = run("-t", env={**ENV, "PXESRV_LOG": "/nothing/x.log"})
    assert status == 78 and "/nothing/x.log" in err
    status, _, err = run("-t", env={"PXESRV_LOG": place.LOG})
    assert status == 0 and "PXESRV_ROOT" in err
    os.chmod(tree.full("once"), 0o555)
    status, _, err = run("-t")
    assert status == 78 and "once" in err
    os.chmod(tree.full("once"), 0o755)
    tree.add("once/.lock", "")
    os.chmod(tree.full("once/.lock"), 0o444)
    status, _, err = run("-t")
    assert status == 78 and "once/.lock" in err
    os.unlink(tree.full("once/.lock"))
    os.rmdir(tree.full("once"))
    tree.add("once", "a file")
    status, _, err = run("-t")
    assert status == 78 and "once" in err
    os.unlink(tree.full("once"))
    os.chmod(place.ROOT, 0o444)
    status, _, err = run("-t")
    os.chmod(place.ROOT, 0o755)
    assert status == 78 and f"{place.ROOT}/once: Permission denied" in err


@pytest.mark.skipif(not place.AS_ROOT, reason="only root gives a directory "
                    "away")
def test_check_of_a_sticky_once(tree):
    tree.make({**TREE, "once": Directory()})
    os.chown(tree.full("once"), 0, 0)
    os.chmod(tree.full("once"), 0o1777)
    status, _, err = run("-t")
    assert status == 78 and "sticky" in err


# Signals

def seconds_to_end(responder, beginning):
    """Of one with a peer that has sent this, and says no more."""
    r = responder()
    with Connection(r.path) as peer:
        peer.send(beginning)
        assert ask(r.path).body == b"default"
        start = time.monotonic()
        assert r.end(signal.SIGTERM) == 0
        took = time.monotonic() - start
        assert peer.is_closed()
    assert took < 4
    return took


@pytest.mark.parametrize("beginning", [b"", b"\x01", fastcgi.begin()])
def test_term_while_a_peer_is_connected_and_silent(responder, tree, beginning):
    """This makes libfcgi's own loop spin for ever."""
    tree.make(TREE)
    # A second, and the way; a busy machine is given more than one try.
    assert any(seconds_to_end(responder, beginning) < 2 for _ in range(3))


@contextlib.contextmanager
def under_way(r, tree):
    """A large answer to an armed client: the peer, and what it has read."""
    tree.make({**TREE, "os/large": bytes(4 << 20)})
    tree.arm(CLIENT, "../os/large")
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED))
        yield peer, peer.read_record()[2]


@contextlib.contextmanager
def slow_peers(r, tree):
    """Armed clients that have asked for a large file: their connections."""
    tree.make({**TREE, "os/slow": SLOW})
    with contextlib.ExitStack() as stack:
        peers = {}
        for client in (f"127.0.0.{n}" for n in range(10, 16)):
            tree.arm(client, "../os/slow")
            peers[client] = stack.enter_context(Connection(r.path))
            peers[client].send(
                fastcgi.request({**ASKED, "REMOTE_ADDR": client}))
        yield peers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_answer_under_way_is_finished(responder, tree, number):
    r = responder(PXESRV_THREADS="1")
    with under_way(r, tree) as (peer, first):
        os.kill(r.pid, number)
        rest = peer.read_answer()
    assert answer.from_cgi(first + rest).body == bytes(4 << 20)
    assert r.end(number) == 0
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"


@pytest.mark.parametrize("threads", ["1", "4"])
def test_slow_answers_are_finished(responder, tree, threads):
    """More than threads, and slower than what else is waited for at the end."""
    r = responder(PXESRV_THREADS=threads)
    with slow_peers(r, tree) as peers:
        bodies = {client: peer.read_record()[2]
                  for client, peer in peers.items()}
        assert r.is_sending()
        os.kill(r.pid, signal.SIGTERM)
        for _ in range(15):
            for client, peer in peers.items():
                bodies[client] += peer.read_record()[2]
            time.sleep(0.1)
        assert r.is_running()
        for client, peer in peers.items():
            bodies[client] += peer.read_answer()
    assert r.end() == 0
    for client, body in bodies.items():
        assert answer.from_cgi(body).body == SLOW
        assert tree.link(f"once/.served/{client}") == "../os/slow"


def test_a_large_answer_is_finished(responder, tree):
    """One that is sent all the time, not only now and then."""
    r = responder(PXESRV_THREADS="1")
    tree.make({**TREE, "os/large": ""})
    os.truncate(tree.full("os/large"), 256 << 20)
    tree.arm(CLIENT, "../os/large")
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED))
        left = 256 << 20
        left -= len(answer.from_cgi(peer.read_record()[2]).body)
        os.kill(r.pid, signal.SIGTERM)
        # Until idle connections are not waited for any more.
        for _ in range(15):
            left -= len(peer.read_record()[2])
            time.sleep(0.1)
        while left:
            left -= len(peer.read_record()[2])
    assert r.end() == 0
    assert tree.link(f"once/.served/{CLIENT}") == "../os/large"


def test_a_peer_that_takes_nothing_is_cut_off_at_the_end(responder, tree):
    r = responder(PXESRV_THREADS="1")
    with under_way(r, tree):
        assert r.end(signal.SIGTERM) == 0
    assert tree.link(f"once/{CLIENT}") == "../os/large"
    assert tree.claimed() == []


def test_peers_that_take_nothing_do_not_hold_up_the_end(responder, tree):
    """More of them than threads, one of them taking a little now and then."""
    r = responder(PXESRV_THREADS="1")
    with slow_peers(r, tree) as peers:
        for peer in peers.values():
            peer.read_record()  # each has got as much as it takes
        os.kill(r.pid, signal.SIGTERM)
        start = time.monotonic()
        while r.is_running() and time.monotonic() - start < place.PATIENCE:
            try:
                peer.socket.recv(512)
            except ConnectionResetError:
                pass
            time.sleep(0.05)
        assert r.end() == 0
        for client in peers:
            assert tree.link(f"once/{client}") == "../os/slow"
        assert tree.claimed() == []


def test_a_request_that_has_arrived_is_answered_at_the_end(responder, tree):
    r = responder(PXESRV_THREADS="1")
    tree.make(TREE)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED, keep=True))
        peer.read_answer()
        r.halt()
        peer.send(fastcgi.request(ASKED, keep=True))
        os.kill(r.pid, signal.SIGTERM)
        r.go_on()
        assert peer.read_answer(at_the_end=True).endswith(b"default")
        # It may be used until it is closed.
        peer.send(fastcgi.request(ASKED, keep=True))
        assert peer.read_answer(at_the_end=True).endswith(b"default")
        assert peer.read_record() == (fastcgi.STDERR, 1, b"")
    assert r.end() == 0


def test_an_idle_connection_is_asked_to_close(responder, tree):
    r = responder()
    tree.make(TREE)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(ASKED, keep=True))
        peer.read_answer()
        os.kill(r.pid, signal.SIGTERM)
        assert peer.read_record() == (fastcgi.STDERR, 1, b"")
    assert r.end() == 0


def test_memory_of_a_large_answer(responder, tree):
    r = responder()
    size = 48 << 20
    tree.make(TREE)
    with open(tree.full("os/boot"), "wb") as file:
        file.write(os.urandom(1 << 20) * 48)
    tree.arm(CLIENT, "../os/boot")
    got = ask(r.path)
    with open(tree.full("os/boot"), "rb") as file:
        assert got.body == file.read() and len(got.body) == size
    print(f"most memory: {r.memory() / (1 << 20):.1f} MiB")
    if not place.IS_SANITIZED:
        assert r.memory() < 8 << 20


# The log

def requests_in(path):
    """The lines of a log, without those of the start."""
    try:
        with open(path, "rb") as file:
            return [line for line in file.read().splitlines(True)
                    if b' "- - -" ' not in line and line.endswith(b"\n")]
    except FileNotFoundError:
        return []


def lines_of(path):
    return len(requests_in(path))


def test_hup_opens_the_log_again(responder, tree):
    r = responder()
    tree.make(TREE)
    ask(r.path)
    os.rename(place.LOG, place.LOG + ".1")
    ask(r.path)
    # A line is written when its answer is out.
    until(lambda: lines_of(place.LOG + ".1") == 2, "the old log")
    os.kill(r.pid, signal.SIGHUP)
    until(lambda: os.path.exists(place.LOG), "the new log")
    ask(r.path)
    until(lambda: lines_of(place.LOG) == 1, "a line in the new log")
    os.unlink(place.LOG + ".1")


def test_a_log_of_the_request(responder, tree):
    r = responder(PXESRV_ROOT=None)
    tree.make(TREE)
    other = "/run/pxesrv/other.log"
    ask(r.path, PXESRV_LOG=other)
    until(lambda: lines_of(other) == 1, "a line in the other log")
    assert lines_of(place.LOG) == 0


def test_a_log_that_cannot_be_opened(responder, tree):
    r = responder(PXESRV_LOG="/nothing/x.log")
    tree.make(TREE)
    assert ask(r.path).status == ask(r.path).status == 200
    until(lambda: lines_of(r.stderr) == 3, "a warning and two lines")
    lines = [line.decode() for line in requests_in(r.stderr)]
    assert "/nothing/x.log" in lines[0]
    assert all(" 200 7 " in line for line in lines[1:])
    assert r.messages().count("cannot open the log") == 1


def test_a_request_cannot_write_lines_of_its_own(responder, tree):
    r = responder()
    tree.make(TREE)
    ask(r.path, REQUEST_URI='/redirect?\n10.0.0.1 - - "\x1b[2J\xff' + "x" * 5000,
        REQUEST_METHOD="GET\n" + "y" * 5000, SERVER_PROTOCOL="\r\n")
    until(lambda: lines_of(place.LOG), "the line")
    lines = requests_in(place.LOG)
    assert len(lines) == 1 and len(lines[0]) <= 4096
    assert all(32 <= byte < 127 for byte in lines[0][:-1])
