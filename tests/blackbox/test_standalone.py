# SPDX-License-Identifier: MIT
"""./pxesrv: the responder and a private web server in the foreground."""
import glob
import http.client
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import termios

import pytest

import checkout
import place
from place import Program, children_of, clean_env, free_port, until
from standalone import Standalone, install, name_of
from tree import Directory, Link

TREE = {"default": "default", "os/boot": "os"}
LARGE = 16 << 20  # more than the buffers on the way to a client hold


def build_by_two(source):
    """./pxesrv, given in two terminals at the same time: one waits for the other."""
    both = [subprocess.Popen(
        [source / "pxesrv", "-p", str(free_port())], env=clean_env(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    said = ["", ""]
    for i, one in enumerate(both):
        while "DHCP filename:" not in said[i]:
            line = one.stdout.readline()
            assert line, said
            said[i] += line
    for one in both:
        one.send_signal(signal.SIGINT)
        assert one.wait(place.PATIENCE) == 0
        one.stdout.close()


@pytest.fixture(scope="module", params=["source", "installed"])
def script(request, tmp_path_factory):
    """The command, where it stands in a source tree or in an installation."""
    where = tmp_path_factory.mktemp("with a space")
    if request.param == "source":
        # A copy, since it builds in its own place.
        source = checkout.copy(where / "pxesrv source")
        build_by_two(source)
        os.unlink(source / "build/fcgi/pxesrv.fcgi")
        yield str(source / "pxesrv")  # which builds what is missing
    else:
        yield install(where)
    shutil.rmtree(where)


@pytest.mark.parametrize("web", [[], ["-w", "nginx"], ["-w", "lighttpd"]])
def test_it_serves(script, tree, tmp_path, web):
    tree.make({**TREE, "once/127.0.0.7": Link("../os/boot"),
               "once/README.md": "text"})
    one = Standalone(script, tmp_path, "-r", place.ROOT, *web)
    directory = one.directory()
    assert os.path.exists(directory)
    assert one.ask() == (200, b"os")
    assert one.ask() == (200, b"default")
    assert one.ask("/os/boot") == (200, b"os")
    assert one.ask("/once/README.md")[0] == 404
    url = re.search(r"^DHCP filename: (http://\S+:%d/redirect)$" % one.port,
                    one.said(), re.MULTILINE)
    assert url, one.said()
    until(lambda: one.said().count("GET /redirect") == 2, "a line for each")
    children = one.children()
    assert len(children) == 2
    one.end(signal.SIGINT)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in children)
    assert not os.path.exists(directory)
    with pytest.raises(ConnectionRefusedError):
        one.ask()


def test_the_tree_that_it_takes_by_itself(script, tree, tmp_path):
    """In a directory that is closed to others, as where root clones it."""
    root = os.path.dirname(script) + "/public"
    if not os.path.exists(root):
        root = place.ROOT
        tree.make({**TREE, "README.md": "A tree", "once": Directory()})
    one = Standalone(script, tmp_path)
    os.symlink("../README.md", f"{root}/once/127.0.0.7")
    with open(f"{root}/default", "rb") as file:
        default = file.read()
    with open(f"{root}/README.md", "rb") as file:
        assert one.ask() == (200, file.read())
    until(lambda: os.path.lexists(f"{root}/once/.served/127.0.0.7"),
          "it is settled")
    assert one.ask() == one.ask("/default") == (200, default)
    assert one.end() == 0


def test_a_tree_with_an_odd_name(script, tree, tmp_path):
    root = tmp_path / 'a "tree" with $spaces; & |more'
    root.mkdir()
    (root / "default").write_text("odd")
    (root / "once").mkdir()
    (root / "once" / "127.0.0.7").symlink_to("../default")
    for web in ("nginx", "lighttpd"):
        one = Standalone(script, tmp_path, "-r", str(root), "-w", web)
        assert one.ask() == (200, b"odd")
        assert one.ask("/default") == (200, b"odd")
        assert one.end(signal.SIGTERM) == 0
    assert (root / "once/.served/127.0.0.7").is_symlink()


@pytest.mark.parametrize("which", ["responder", "web server"])
def test_both_end_when_either_dies(script, tree, tmp_path, which):
    tree.make(TREE)
    one = Standalone(script, tmp_path, "-r", place.ROOT)
    children = one.children()
    names = {name_of(pid): pid for pid in children}
    responder = names.pop("pxesrv.fcgi")
    victim = responder if which == "responder" else names.popitem()[1]
    os.kill(victim, signal.SIGKILL)
    assert one.process.wait(20) == 70
    assert "has ended" in one.messages()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in children)
    # Nor has a web server that was killed left its workers there.
    until(one.takes_nobody, "the end of all")


def test_the_settings_reach_the_responder(script, tree, tmp_path):
    tree.make({**TREE, "once/127.0.0.7": Link("../os/boot")})
    log = tmp_path / "log"
    one = Standalone(script, tmp_path, PXESRV_ROOT=place.ROOT,
                     PXESRV_ONCE_GRACE="60", PXESRV_LOG=str(log))
    assert one.ask() == one.ask() == (200, b"os")
    until(lambda: log.read_text().count("GET") == 2, "the log")
    assert one.end() == 0


def run(script, *arguments, **env):
    done = subprocess.run([script, *arguments], env=clean_env(**env),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def test_wrong_usage(script, tree):
    for arguments in (["-x"], ["word"], ["-p"], ["-p", "0"], ["-p", "65536"],
                      ["-p", "abc"], ["-p", "080"], ["-w", "apache"]):
        status, out, err = run(script, *arguments)
        assert status == 64 and err and not out, arguments
    assert run(script, "-r", "/nothing")[0] == 78
    status, out, err = run(script, "-h")
    assert status == 0 and out.startswith("usage: pxesrv") and not err
    tree.make(TREE)
    status, _, err = run(script, "-r", place.ROOT, "-p", str(free_port()),
                         PXESRV_SEND="nonsense")
    assert status == 70 and "responder has ended" in err


def test_a_port_that_is_in_use(script, tree):
    tree.make(TREE)
    with socket.socket() as s:
        s.bind(("", 0))
        s.listen()
        status, _, err = run(script, "-r", place.ROOT,
                             "-p", str(s.getsockname()[1]))
    assert status == 71 and "in use" in err


WEB = pytest.mark.parametrize("web", ["nginx", "lighttpd"])


@WEB
@pytest.mark.parametrize("how", ["TERM", "Ctrl-C"])
def test_an_answer_under_way_is_handed_over(script, tree, tmp_path, web, how):
    tree.make({**TREE, "big": "b" * LARGE, "once/127.0.0.7": Link("../big")})
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web)
    with one.connect() as client:
        response = http.client.HTTPResponse(client)
        response.begin()
        until(tree.claimed, "the claim")
        if how == "TERM":
            one.process.send_signal(signal.SIGTERM)
        else:
            one.interrupt()
        until(one.takes_nobody, "its end")
        assert tree.claimed()
        assert response.read() == b"b" * LARGE
    assert one.process.wait(20) == 0
    assert os.listdir(tree.full("once/.served")) == ["127.0.0.7"]


@WEB
def test_a_kept_connection_does_not_hold_it_up(script, tree, tmp_path, web):
    tree.make(TREE)
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web)
    with one.connect() as client:
        response = http.client.HTTPResponse(client)
        response.begin()
        assert response.read() == b"default" and not response.will_close
        assert one.end(timeout=5) == 0


@WEB
def test_asked_a_second_time_it_waits_for_nobody(script, tree, tmp_path, web):
    tree.make({**TREE, "big": "b" * LARGE, "once/127.0.0.7": Link("../big")})
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web)
    with one.connect():
        until(tree.claimed, "the claim")
        one.process.send_signal(signal.SIGTERM)
        until(one.takes_nobody, "its end")
        assert one.end(timeout=6) == 0
    assert os.path.islink(tree.full("once/127.0.0.7"))


def test_a_web_server_that_is_stuck_ends(script, tree, tmp_path):
    """As on a file system that does not answer."""
    tree.make(TREE)
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", "nginx")
    workers = [pid for child in one.children() for pid in children_of(child)]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    one.process.send_signal(signal.SIGTERM)
    assert one.end() == 0  # which asks again
    assert workers and not any(os.path.exists(f"/proc/{p}") for p in workers)


@WEB
def test_messages_that_nobody_reads_hold_up_nothing(
        script, tree, tmp_path, web):
    tree.make(TREE)
    os.mkfifo(tmp_path / "stderr")
    unread = os.open(tmp_path / "stderr", os.O_RDONLY | os.O_NONBLOCK)
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web)
    connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=20)
    for _ in range(1000):  # which nginx has a message for, when it is let
        connection.request("GET", "/os/")
        assert connection.getresponse().read()
    connection.close()
    assert one.ask() == (200, b"default")
    assert one.end() == 0
    os.close(unread)


@WEB
def test_a_signal_while_the_web_server_is_started(
        script, tree, tmp_path, web):
    """It runs before the script has been told its number."""
    tree.make(TREE)
    port = free_port()
    one = Program(["strace", "-o", "/dev/null", "-e", "trace=clone,clone3",
                   "-e", "inject=clone,clone3:delay_exit=100000", script,
                   "-r", place.ROOT, "-w", web, "-p", str(port)],
                  str(tmp_path / "stderr"), env=clean_env())
    # strace(1) starts others before, to learn what the kernel can do.
    traced, = until(lambda: [pid for pid in children_of(one.pid)
                             if name_of(pid) == "pxesrv"], "the script")
    until(lambda: web in map(name_of, children_of(traced)), "its start")
    os.kill(traced, signal.SIGTERM)
    assert one.process.wait(20) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_hup_opens_the_log_anew(script, tree, tmp_path):
    tree.make(TREE)
    log = tmp_path / "log"
    one = Standalone(script, tmp_path, "-r", place.ROOT, PXESRV_LOG=str(log))
    for number in range(2):
        log.rename(tmp_path / "log.1")
        one.process.send_signal(signal.SIGHUP)
        until(log.exists, "a new log")
        assert one.ask() == (200, b"default")
        until(lambda: log.read_text().count("GET") == 1, "a line in it")
    assert one.end() == 0


def test_a_terminal_that_is_closed_ends_it(script, tree, tmp_path):
    tree.make(TREE)
    log = tmp_path / "log"
    controller, terminal = pty.openpty()
    one = Standalone(script, tmp_path, "-r", place.ROOT, terminal=terminal,
                     PXESRV_LOG=str(log))
    os.close(terminal)
    log.unlink()
    one.process.send_signal(signal.SIGHUP)  # not while it is open
    until(log.exists, "a new log")
    assert one.ask() == (200, b"default")
    os.close(controller)
    assert one.process.wait(20) == 0


def test_a_terminal_that_lets_nobody_write_from_behind(script, tree, tmp_path):
    """stty tostop; and responder and web server have groups of their own."""
    tree.make(TREE)
    controller, terminal = pty.openpty()
    modes = termios.tcgetattr(terminal)
    modes[3] |= termios.TOSTOP
    termios.tcsetattr(terminal, termios.TCSANOW, modes)
    one = Standalone(script, tmp_path, "-r", place.ROOT, terminal=terminal,
                     PXESRV_LOG="/dev/tty")
    os.close(terminal)
    assert one.ask() == one.ask() == (200, b"default")
    assert one.end() == 0
    os.close(controller)


def test_a_signal_at_the_very_start(script, tree, tmp_path):
    """As process 1, which loses what it is not prepared for.

    A realpath(1) of the test's holds the script back at its first command.
    """
    tree.make(TREE)
    for name in ("waits", "go"):
        os.mkfifo(tmp_path / name)
    stub = tmp_path / "realpath"
    stub.write_text(f'#!/bin/sh\necho >"{tmp_path}/waits"\n'
                    f'read -r go <"{tmp_path}/go"\n'
                    'exec /usr/bin/realpath "$@"\n')
    stub.chmod(0o755)
    one = Program(
        ["unshare", "-pf" if place.AS_ROOT else "-Urpf", "--kill-child",
         script, "-r", place.ROOT, "-p", str(free_port())],
        str(tmp_path / "stderr"),
        env=clean_env(PATH=f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"))
    (tmp_path / "waits").read_text()
    process_1, = children_of(one.pid)
    os.kill(process_1, signal.SIGTERM)
    (tmp_path / "go").write_text("\n")
    try:
        assert one.process.wait(20) == 0
    finally:
        one.process.kill()
    assert one.messages() == ""


@WEB
def test_what_is_missing_leaves_nothing(script, tree, tmp_path, web):
    tree.make(TREE)
    one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web)
    directory = one.directory()

    def written():
        files = glob.glob(f"{directory}/**", recursive=True)
        return one.messages(), sum(os.lstat(file).st_size for file in files)

    at_first = written()
    for number in range(20):
        assert one.ask(f"/missing/{number}")[0] == 404
    assert written() == at_first
    assert one.end() == 0


@WEB
def test_what_the_web_server_says_at_its_start(script, tree, tmp_path, web):
    tree.make(TREE)
    with socket.socket(socket.AF_INET6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind(("::", 0))
        s.listen()
        status, _, err = run(script, "-r", place.ROOT, "-w", web,
                             "-p", str(s.getsockname()[1]))
    assert status == 70
    assert "Address already in use" in err and f"{web} has ended" in err
