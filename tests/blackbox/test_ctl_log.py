# SPDX-License-Identifier: MIT
"""What pxesrvctl reads from the log: log and stats."""
import gzip
import json
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone

import pytest

import crowd
import deployments
import fastcgi
import place
from deployments import meta_variables
from fastcgi import Connection
from log_lines import NOON, line, note
from place import Program, until
from tree import Link

TREE = {"default": "menu", "os/boot": "os", "os/a (old): b": "odd"}
A, B = "127.0.0.7", "127.0.0.8"
UTC = timezone.utc


def run(*arguments, log=place.LOG, **how):
    return subprocess.run(
        [place.CTL, *arguments], env=place.clean_env(PXESRV_LOG=str(log)),
        capture_output=True, text=True, check=False, **how)


def lines_of(*arguments, log=place.LOG):
    done = run(*arguments, log=log)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def objects_of(*arguments, log=place.LOG):
    return [json.loads(line)
            for line in lines_of("log", "--json", *arguments, log=log)]


def ask(r, client=A, method="GET", path="/redirect", **more):
    """Asks, and waits for the line that the log gets after the answer."""
    before = os.path.getsize(place.LOG)
    fastcgi.ask(r.path, {**meta_variables(method, path, client), **more})
    until(lambda: os.path.getsize(place.LOG) > before, "a line in the log")


@pytest.fixture
def log(tmp_path):
    """A function that makes a log of these lines, and says where."""
    def make(*lines):
        path = tmp_path / "hand.log"
        path.write_bytes(b"".join(
            one if isinstance(one, bytes) else one.encode() for one in lines))
        return path
    return make


# Reading

def test_the_log_of_a_responder(responder, tree):
    r = responder()
    tree.make({**TREE, f"static/{B}": Link("../os/nothing")})
    tree.arm(A, "../os/boot")
    ask(r, A)
    ask(r, A)
    ask(r, B)
    ask(r, A, path="/elsewhere")
    wanted = [
        (A, "200", "2", "once os/boot"), (A, "200", "4", "default default"),
        (B, "404", None, "static os/nothing (No such file or directory)"),
        (A, "404", None, "-")]
    got = [one.split(maxsplit=4) for one in lines_of("log")]
    assert any(one[4].startswith("sandbox: ") for one in got if one[1] == "-")
    assert {tuple(one[2:4]) for one in got if one[1] == "-"} == {("-", "-")}
    got = [one for one in got if one[1] != "-"]
    for (client, status, size, decision), one in zip(wanted, got, strict=True):
        assert [client, status, decision] == [one[1], one[2], one[4]]
        assert size in (None, one[3])
        age = datetime.now(UTC) - datetime.fromisoformat(one[0])
        assert timedelta(0) <= age < timedelta(seconds=2 * place.PATIENCE)


def test_json_of_a_responder(responder, tree):
    r = responder()
    tree.make({**TREE, f"static/{B}": Link("../os/a (old): b")})
    tree.arm(A, "../os/boot")
    ask(r, A, path='/redirect?"\\ x')
    ask(r, B, method="HEAD")
    ask(r, B, REMOTE_ADDR="nobody")
    first, second, third = [
        one for one in objects_of() if one["status"] is not None]
    assert datetime.fromisoformat(first.pop("time")).tzinfo
    assert 0 <= first.pop("seconds") < place.PATIENCE
    assert list(first.items()) == [
        ("client", A), ("method", "GET"), ("uri", "/redirect?\\x22\\x5C x"),
        ("status", 200), ("bytes", 2), ("source", "once"),
        ("target", "os/boot"), ("decision", "once os/boot")]
    assert second["method"] == "HEAD" and second["bytes"] == 0
    assert (second["source"], second["target"]) == (
        "static", "os/a\\x20(old):\\x20b")
    assert third["client"] is None and third["status"] == 500
    assert third["source"] is None and third["target"] is None


def test_a_peer_that_has_hung_up(responder, tree):
    r = responder()
    tree.make(TREE)
    tree.arm(A, "../os/boot")
    r.halt()
    with Connection(r.path) as peer:
        peer.send(crowd.get(A))
    r.go_on()
    [one] = until(lambda: objects_of("--client", A), "a line in the log")
    assert (one["status"], one["source"], one["target"]) == (
        499, "once", "os/boot")
    assert one["decision"] == (
        "once os/boot (the peer has hung up: still armed)")


NONE = (None, None)


@pytest.mark.parametrize("status, decision, want", [
    (200, "once a\\x20b", ("once", "a\\x20b")),
    (200, "once a:\\x20b\\x20(old)", ("once", "a:\\x20b\\x20(old)")),
    (404, "once a: (No such file or directory)", ("once", "a:")),
    (404, "default default (Not a directory) (not delivered)",
     ("default", "default")),
    (403, "static x (once/10.0.0.7 is no link: ignored) (Is a directory)",
     ("static", "x")),
    (403, "static x (Outside the directories that files may come from) (this "
     "responder is confined to the PXESRV_ROOT and PXESRV_ALLOW of its own "
     "environment)", ("static", "x")),
    (200, "once x (not delivered: armed again)", ("once", "x")),
    (200, "once x (not delivered: Invalid argument; left at once/.claimed/a.1)",
     ("once", "x")),
    (200, "once x (No space left on device: the link was removed)",
     ("once", "x")),
    (200, "once x (again, by PXESRV_ONCE_GRACE)", ("once", "x")),
    (503, "once x (not delivered: armed again) (Input/output error)",
     ("once", "x")),
    (200, "grub/clear grub/2/grub.cfg-0A000007", NONE),
    (500, "- the web server must pass REMOTE_ADDR ", NONE),
    (404, "oncex", NONE),
    (404, "-", NONE),
])
def test_source_and_target(log, status, decision, want):
    [one] = objects_of(log=log(line(status=status, decision=decision)))
    assert (one["source"], one["target"]) == want
    assert one["decision"] == decision


def test_a_line_that_belongs_to_no_request(log):
    path = log(note("default is what it is"))
    assert lines_of("log", log=path)[0].split(maxsplit=4) == [
        "2026-11-22T12:00:00+00:00", "-", "-", "-", "default is what it is"]
    assert objects_of(log=path) == [{
        "time": "2026-11-22T12:00:00+00:00", "client": None, "method": None,
        "uri": None, "status": None, "bytes": None, "seconds": None,
        "source": None, "target": None, "decision": "default is what it is"}]


def test_a_file_of_many_gigabytes(log):
    [one] = objects_of(log=log(line(size=123456789012)))
    assert one["bytes"] == 123456789012


@pytest.mark.parametrize("hours, minutes, want", [
    (0, 0, "2026-11-22T12:00:00+00:00"), (5, 30, "2026-11-22T17:30:00+05:30"),
    (-3, -30, "2026-11-22T08:30:00-03:30"),
    (14, 0, "2026-11-23T02:00:00+14:00"),
])
def test_time_zones(log, hours, minutes, want):
    there = timezone(timedelta(hours=hours, minutes=minutes))
    [one] = objects_of(log=log(line(time=NOON.astimezone(there))))
    assert one["time"] == want


GARBAGE = [
    "", "garbage", line().replace("2026", "year"), line(status=1000),
    line().replace("Nov", "nov"), line().replace("22/", "32/"),
    line().replace(" 0.0003", ""), line().replace("0.0003", "0.3"),
    line().replace("+0000", "0000"), line(client="a b"), line(client=""),
    line().replace('"GET /redirect HTTP/1.1"', '"GET"'),
    line().replace('HTTP/1.1"', 'HTTP/1.1"x'), line(size=-1), line(decision=""),
    line(size="9" * 30), line()[:40] + line(), line(decision="once \x1b[2J"),
    # nginx's
    '10.0.0.7 - - [22/Nov/2026:13:28:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"',
    b"\xff\xfe\x00\x00", "x" * 200000]


@pytest.mark.parametrize("arguments", [["log"], ["log", "--json"]])
def test_lines_that_are_none_of_pxesrvs(log, arguments):
    garbage = [one if isinstance(one, bytes) else one.encode()
               for one in GARBAGE]
    path = log(line(A), *(one.rstrip(b"\n") + b"\n" for one in garbage),
               line(B))
    done = run(*arguments, log=path)
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert A in first and B in second
    assert done.stderr == (
        f"pxesrvctl: {path}: {len(GARBAGE)} lines were not written by PXESrv\n")


def test_one_line_that_is_none_of_pxesrvs(log):
    path = log(line(), "x\n", line()[:-1])  # the last one has no end
    done = run("log", log=path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    assert done.stderr == f"pxesrvctl: {path}: 1 line was not written by PXESrv\n"


@pytest.mark.parametrize("arguments", [["log"], ["log", "--json"], ["stats"],
                                       ["stats", "--prometheus"]])
def test_no_line_is_pxesrvs(log, arguments):
    """The wrong file is not an empty log."""
    path = log(*GARBAGE[-3:-2], "\n", "x\n")
    done = run(*arguments, log=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"pxesrvctl: {path}: none of its 2 lines was written by PXESrv\n")


PREFIXES = {
    "journalctl": "Nov 22 12:00:00 boot pxesrv.fcgi[123]: ",
    "journalctl -o short-iso": "2026-11-22T12:00:00+0000 boot x[1]: ",
    "journalctl -o with-unit":
        "Sun 2026-11-22 12:00:00 UTC boot lighttpd.service[9]: ",
    "syslog": "<30>1 2026-11-22T12:00:00.0Z boot pxesrv.fcgi 123 - - ",
    "Apache": "[Sun Nov 22 12:00:00.123456 2026] [cgid:error] [pid 1:tid 2] "
              "[client 10.0.0.7:4242] AH01215: stderr from /usr/libexec/pxesrv/"
              "pxesrv.cgi: ",
    "spoofed": "10.9.9.9 says x - - [: ",
    "truncated by logrotate": "\0" * 100000,
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_what_another_program_has_put_before_it(log, prefix):
    own = [line(A), line("2001:db8::7"), line("-", decision="- a story"),
           # A client asks for what looks like a line of somebody else.
           line(A, uri='/redirect?10.0.0.9 - - [x'), note("sandbox: none")]
    path = log(*(prefix + one for one in own))
    plain = log_beside(path, own)
    assert lines_of("log", log=path) == lines_of("log", log=plain)
    assert objects_of(log=path) == objects_of(log=plain)
    assert lines_of("stats", log=path) == lines_of("stats", log=plain)
    # By name, and from standard input.
    with open(path) as file:
        done = run("log", "-", log="/nonexistent", stdin=file)
    assert done.stdout.splitlines() == lines_of("log", log=plain)
    assert lines_of("log", str(path), log="-") == lines_of("log", log=plain)


def log_beside(path, lines):
    plain = f"{path}.plain"
    with open(plain, "w") as file:
        file.write("".join(lines))
    return plain


def compress(path):
    with open(path, "rb") as file:
        data = gzip.compress(file.read())
    os.unlink(path)
    with open(f"{path}.gz", "wb") as file:
        file.write(data)
    return f"{path}.gz"


def test_logs_that_were_rotated(log, tmp_path):
    """As logrotate leaves them: the last one as it is, older ones compressed."""
    names = []
    for number, client in enumerate((A, B, "10.0.0.9")):
        name = str(tmp_path / f"pxesrv.log.{number}")
        os.rename(log(*[line(client)] * 1000), name)
        names.append(compress(name) if number else name)
    names.reverse()
    clients = [one.split()[1] for one in lines_of("log", *names, log="-")]
    assert clients == ["10.0.0.9"] * 1000 + [B] * 1000 + [A] * 1000
    assert re.search("^ +3000  once$", "\n".join(
        lines_of("stats", *names, log="-")), re.M)
    for name in names:  # whatever it is called
        os.rename(name, name + ".old")
        assert len(lines_of("log", log=name + ".old")) == 1000
        with open(name + ".old", "rb") as file:
            assert len(run("log", "-", stdin=file).stdout.splitlines()) == 1000


@pytest.mark.parametrize("break_, why", [
    (lambda data: data[:-2000], "the compressed data is cut off"),
    (lambda data: data[:100] + b"x" * 100 + data[200:],
     "the compressed data is damaged"),
])
def test_compressed_logs_that_are_broken(log, break_, why):
    """What can be read is printed by log; stats are of all, or none."""
    name = compress(log(*(line(f"10.0.{n // 250}.{n % 250}", size=n * n)
                          for n in range(5000))))
    with open(name, "rb+") as file:
        data = break_(file.read())
        file.seek(0)
        file.truncate()
        file.write(data)
    done = run("log", name)
    assert done.returncode == 1
    assert f"pxesrvctl: {name}: {why}\n" in done.stderr
    assert len(done.stdout.splitlines()) < 5000
    assert run("stats", name).stdout == ""


def test_one_of_several_can_not_be_read(log):
    path = str(log(line()))
    done = run("log", path, path + ".1", path)
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 2)
    assert done.stderr == (
        f"pxesrvctl: {path}.1: No such file or directory\n")


@pytest.mark.parametrize("arguments, status, why", [
    (["-f", "-"], 64, "-f follows one file only"),
    (["-f", "/a", "/b"], 64, "-f follows one file only"),
    (["-f", "LOG"], 1, "LOG: it is compressed, so -f cannot follow it"),
])
def test_what_can_not_be_followed(log, arguments, status, why):
    name = compress(log(line()))
    done = run("log", *(one.replace("LOG", name) for one in arguments))
    assert done.returncode == status
    assert f"pxesrvctl: {why.replace('LOG', name)}\n" in done.stderr


def test_the_error_log_of_apache(tree):
    """Where the log of the CGI program goes, in the set-up that is shipped."""
    directory = tempfile.mkdtemp(dir=place.SERVERS)
    os.chmod(directory, 0o777)
    server = deployments.ALL["apache-cgi"](directory)
    target = 'os/a \\ "b"'
    tree.make({"default": "menu", target: "odd"})
    server.start()
    try:
        for referer in ({}, {"Referer": "http://a/, referer: b"}):
            tree.arm(A, f"../{target}")
            assert server.ask(client=A, headers=referer).body == b"odd"
        server.decided(2)
    finally:
        server.stop()
    done = run("log", "--json", server.log_file, log="-")
    assert done.returncode == 0
    answers = [json.loads(one) for one in done.stdout.splitlines()]
    assert [one["source"] for one in answers] == ["once", "once"]
    assert len({one["target"] for one in answers}) == 1
    assert {one["decision"] for one in answers} == {
        f"once {answers[0]['target']}"}


@pytest.mark.parametrize("client, want", [
    ("10.0.0.7", [1]), ("::ffff:10.0.0.7", [1]), ("10.0.0.0/24", [0, 1, 2]),
    ("10.0.0.6-10.0.1.7", [0, 1, 2, 3]), ("2001:DB8:0::7", [4]),
    ("10.9.9.9", []), ("-", [2, 4])])
def test_client(log, client, want):
    path = log(*(line(name, size=number) for number, name in enumerate(
        ["10.0.0.70", "10.0.0.7", "10.0.0.250", "10.0.1.7", "2001:db8::7"])),
        note("x"))
    done = run("log", "--json", "--client", client, log=path,
               input="2001:db8::7 # its\n10.0.0.250\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(one)["bytes"]
            for one in done.stdout.splitlines()] == want


def test_a_client_that_is_nobody(log):
    path = log(line("10.0.0.7"))
    done = run("log", "--client", "10.0.0.0/33", log=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "10.0.0.0/33" in done.stderr
    # The others are shown all the same.
    done = run("log", "--client", "-", log=path, input="010.1 10.0.0.7\n")
    assert done.returncode == 1 and "10.0.0.7" in done.stdout


AGES = [30, 300, 5400, 3 * 3600, 3 * 86400]  # seconds


@pytest.mark.parametrize("since, want", [
    ("90s", 1), ("10m", 2), ("2h", 3), ("4h", 4), ("7d", 5), ("0s", 0),
    ("2000000000d", 5)])
def test_since(log, since, want):
    there = timezone(timedelta(hours=-8))
    path = log(*(line(time=datetime.now(there) - timedelta(seconds=age))
                 for age in AGES[::-1]))
    assert len(objects_of("--since", since, log=path)) == want
    first, second = lines_of("stats", "--since", since, log=path)[:2]
    assert first.split() == ["requests", "decision"]
    assert second.split() == [str(want), "once"]


@pytest.mark.parametrize("command", ["log", "stats"])
@pytest.mark.parametrize("since", [
    "", "2", "h", "-2h", "2 h", "2w", "2hh", "1.5h", "99999999999999999999s"])
def test_since_that_is_none(command, since):
    done = run(command, "--since", since)
    assert (done.returncode, done.stdout) == (64, "")
    assert "--since " + since in done.stderr


@pytest.mark.parametrize("arguments", [["log"], ["log", "-f"], ["stats"]])
@pytest.mark.parametrize("path, want", [
    ("/nothing/x.log", "/nothing/x.log: No such file or directory"),
    ("/srv", "/srv: "), ("-", "journal")])
def test_a_log_that_cannot_be_read(arguments, path, want):
    done = run(*arguments, log=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert want in done.stderr


def fifo(path):
    os.mkfifo(path)


def fifo_with_a_silent_writer(path):
    os.mkfifo(path)
    return os.open(path, os.O_RDWR)


def link_to_a_fifo(path):
    os.mkfifo(f"{path}.fifo")
    os.symlink(f"{path}.fifo", path)


def listening_socket(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def device(name):
    return lambda path: os.symlink(name, path)


# Each way to read a log.
READERS = pytest.mark.parametrize("arguments", [
    ["log"], ["log", "--json"], ["log", "-f"], ["stats"],
    ["stats", "--prometheus"]])


@READERS
@pytest.mark.parametrize("make, why", [
    (fifo, "Not a regular file"),
    (fifo_with_a_silent_writer, "Not a regular file"),
    (link_to_a_fifo, "Not a regular file"),
    (device("/dev/stdin"), "Not a regular file"),
    (device("/dev/null"), "Not a regular file"),
    (device("/dev/zero"), "Not a regular file"),
    (listening_socket, "Not a regular file"),
    (os.mkdir, "Is a directory"),
    (device("/nowhere"), "No such file or directory"),
])
def test_a_log_that_is_no_regular_file(tmp_path, arguments, make, why):
    """An error at once: what it waits for may never come."""
    path = tmp_path / "log"
    kept_open = make(path)
    ours, its = os.pipe()
    done = run(*arguments, log=path, stdin=ours, timeout=place.PATIENCE)
    for fd in (ours, its):
        os.close(fd)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"pxesrvctl: {path}: {why}\n"
    if isinstance(kept_open, int):
        os.close(kept_open)


@READERS
def test_a_fifo_that_takes_the_log_s_place(log, tmp_path, arguments):
    """While it is held at its first call for the log, whichever that is."""
    path = log(line())
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(
            ["strace", "-o", tmp_path / "trace", "-P", path, "-e",
             "trace=open,openat,stat,lstat,newfstatat,access", "-e",
             "inject=open,openat,stat,lstat,newfstatat,access"
             ":delay_enter=300000", place.CTL, *arguments],
            env=place.clean_env(PXESRV_LOG=str(path)), text=True,
            start_new_session=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as one:
        try:
            until(lambda: (tmp_path / "trace").exists()
                  and (tmp_path / "trace").read_text(), "its first look")
            os.rename(tmp_path / "fifo", path)
            said = one.communicate(timeout=place.PATIENCE)[1]
        finally:
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
    assert one.returncode == 1
    assert said == f"pxesrvctl: {path}: Not a regular file\n"


@pytest.mark.parametrize("variables, want", [
    ({}, ["  200  ", "  \033[31m404\033[0m  "]),
    ({"NO_COLOR": "1"}, ["  200  ", "  404  "])])
def test_a_terminal_shows_errors_in_colour(log, variables, want):
    path = log(line(), line(status=404))
    ours, its = pty.openpty()
    subprocess.run([place.CTL, "log"], stdout=its, check=True,
                   env=place.clean_env(PXESRV_LOG=str(path), **variables))
    with open(ours, closefd=True) as terminal:
        assert all(wanted in terminal.readline() for wanted in want)
    os.close(its)


def test_a_full_disk(log):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [place.CTL, "log"], stdout=full, stderr=subprocess.PIPE,
            env=place.clean_env(PXESRV_LOG=str(log(line()))), check=False)
    assert done.returncode == 1 and b"No space left" in done.stderr


# Following

class Follower(Program):
    """A "pxesrvctl log -f" whose standard output is kept."""

    def __init__(self, directory, path, *arguments):
        self.path = str(path)
        self.output = str(directory / "follower.stdout")
        with open(self.output, "w") as stdout:
            super().__init__(
                [place.CTL, "log", "-f", *arguments],
                str(directory / "follower.stderr"), stdout=stdout,
                env=place.clean_env(PXESRV_LOG=self.path))

    def printed(self):
        with open(self.output) as file:
            return file.read()

    def is_waiting(self):
        """Whether it has read the file at the path, and sleeps."""
        directory = f"/proc/{self.pid}/fd"
        for fd in os.listdir(directory):
            if os.readlink(f"{directory}/{fd}") != self.path:
                continue
            with open(f"/proc/{self.pid}/fdinfo/{fd}") as info:
                at = int(info.readline().split()[1])
            with open(f"/proc/{self.pid}/stat") as stat:
                state = stat.read().rsplit(")", 1)[1].split()[0]
            return at == os.path.getsize(self.path) and state == "S"
        return False

    def wait_for(self, *words):
        """Waits for lines with these words at their ends, and no others."""
        until(lambda: self.printed().count("\n") >= len(words)
              or not self.is_running(), f"{len(words)} lines")
        got = self.printed()
        assert got.endswith("\n"), got
        assert [one.split()[-1] for one in got.splitlines()] == list(words)


@pytest.fixture
def follow(tmp_path):
    """A function that starts one."""
    started = []

    def start(path, *arguments):
        started.append(Follower(tmp_path, path, *arguments))
        return started[-1]

    yield start
    for one in started:
        assert one.is_running(), one.messages()
        assert one.end() == -signal.SIGTERM
        assert one.messages() == ""


def append(path, text):
    with open(path, "a") as file:
        file.write(text)


def test_following_whole_lines(log, follow):
    path = log(line(decision="once a"))
    one = follow(path)
    one.wait_for("a")
    whole = line(decision="once b")
    append(path, whole[:-3])
    until(one.is_waiting, "it has read the half line")
    one.wait_for("a")
    append(path, whole[-3:] + line(decision="once c"))
    one.wait_for("a", "b", "c")


def test_following_what_is_wanted(log, follow):
    path = log(line(A, decision="once old"))
    one = follow(path, "--client", A, "--since", "1h", "--json")
    until(one.is_waiting, "it has read all")
    now = datetime.now(UTC)
    append(path, line(B, now) + "garbage\n" + line(A, now, decision="once x"))
    until(one.printed, "a line")
    assert json.loads(one.printed())["target"] == "x"


@pytest.fixture
def cleared():
    yield
    if os.path.exists(place.LOG + ".1"):
        os.unlink(place.LOG + ".1")


@pytest.mark.parametrize("creates", [False, True])
def test_following_a_responder_across_a_rename(
        responder, tree, follow, cleared, creates):
    """As logrotate(8) does it, with "nocreate" and with "create"."""
    def rotate():
        os.rename(place.LOG, place.LOG + ".1")
        if creates:
            os.close(os.open(place.LOG, os.O_CREAT | os.O_EXCL, 0))
            os.chown(place.LOG, *place.OWNER)
            os.chmod(place.LOG, 0o640)

    def ask_for(name):
        # Its line may come into a log that has another name now.
        tree.arm(A, "../" + name)
        fastcgi.ask(r.path, meta_variables("GET", "/redirect", A))

    tree.make({"default": "menu", **{name: name for name in "abcdef"}})
    r = responder()
    ask_for("a")
    one = follow(place.LOG, "--client", A)
    one.wait_for("a")
    rotate()
    ask_for("b")
    one.wait_for("a", "b")
    # Lines that come when it does not look: the last of one, first of another.
    one.halt()
    ask_for("c")
    until(lambda: objects_of("--client", A, log=place.LOG + ".1")[-1]["target"]
          == "c", "the line in the old log")
    r.process.send_signal(signal.SIGHUP)
    until(lambda: place.has_open(r.pid, place.LOG), "it has the new log")
    ask_for("d")
    until(lambda: os.path.getsize(place.LOG), "a line in the new log")
    one.go_on()
    one.wait_for("a", "b", "c", "d")
    ask_for("e")
    one.wait_for("a", "b", "c", "d", "e")
    # And once more.
    rotate()
    r.process.send_signal(signal.SIGHUP)
    until(lambda: place.has_open(r.pid, place.LOG), "it has the new log")
    ask_for("f")
    one.wait_for("a", "b", "c", "d", "e", "f")


def test_following_a_responder_across_a_truncation(responder, tree, follow):
    tree.make(TREE)
    tree.arm(A, "../os/boot")
    r = responder()
    for path in ("/redirect", "/redirect"):
        ask(r, A, path=path)
    one = follow(place.LOG, "--client", A)
    one.wait_for("os/boot", "default")
    os.truncate(place.LOG, 0)
    tree.arm(A, "../os/boot")
    ask(r, A)
    one.wait_for("os/boot", "default", "os/boot")


def test_following_a_file_whose_name_is_a_link(log, follow, tmp_path):
    path = log(line(decision="once a"))
    (tmp_path / "links").mkdir()
    link = tmp_path / "links/link"
    link.symlink_to(path)
    one = follow(link)
    one.wait_for("a")
    # The file gives way to another at its own place ...
    path.rename(tmp_path / "hand.log.1")
    path.write_text(line(decision="once b"))
    one.wait_for("a", "b")
    # ... and the link leads elsewhere.
    (tmp_path / "new.log").write_text(line(decision="once c"))
    (tmp_path / "links/new").symlink_to(tmp_path / "new.log")
    os.rename(tmp_path / "links/new", link)
    one.wait_for("a", "b", "c")


@pytest.mark.skipif(not place.AS_ROOT, reason="root reads what it likes")
def test_following_into_a_file_that_may_not_be_read(log, tmp_path):
    path = log(line())
    os.chmod(path, 0o644)
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        os.chmod(directory, 0o755)
    with open(tmp_path / "stderr", "wb") as stderr:
        one = subprocess.Popen([place.CTL, "log", "-f"], **place.AS_USER,
                               env=place.clean_env(PXESRV_LOG=str(path)),
                               stdout=subprocess.PIPE, stderr=stderr)
    with one.stdout:
        assert one.stdout.readline()
        (tmp_path / "new").write_text(line())
        os.chmod(tmp_path / "new", 0)
        os.rename(tmp_path / "new", path)
        assert one.wait(place.PATIENCE) == 1
    assert (tmp_path / "stderr").read_text() == (
        f"pxesrvctl: {path}: Permission denied\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_following_ends_by_a_signal(log, tmp_path, number):
    one = Follower(tmp_path, log(line(decision="once a")))
    one.wait_for("a")
    assert one.end(number) == -number


def test_following_ends_with_its_reader(log):
    with subprocess.Popen(
            [place.CTL, "log", "-f"], stdout=subprocess.PIPE,
            env=place.clean_env(PXESRV_LOG=str(log(line())))) as one:
        assert one.stdout.readline()
        one.stdout.close()  # and nothing more comes that it could print
        assert one.wait(place.PATIENCE) == -signal.SIGPIPE


# Statistics

def tables_of(*arguments, log=place.LOG):
    """The rows of each table by the last word of its head."""
    text = "\n".join(lines_of("stats", *arguments, log=log))
    found = {}
    for table in text.split("\n\n"):
        head, *rows = table.splitlines()
        found[head.split()[-1]] = [
            row.split(maxsplit=len(head.split()) - 1) for row in rows]
    assert list(found) == ["decision", "status", "target", "client"]
    return found


def test_stats_of_a_responder(responder, tree):
    r = responder()
    tree.make({**TREE, f"static/{B}": Link("../os/nothing")})
    tree.arm(A, "../os/boot")
    for client in (A, A, A, B):
        ask(r, client)
    tree.add(f"names/{B}", Link("no/name"))
    ask(r, B)
    ask(r, B, path="/elsewhere")
    got = tables_of()
    assert got["decision"] == [
        ["1", "once"], ["0", "until"], ["1", "static"], ["0", "subnet"],
        ["2", "default"], ["1", "names"], ["1", "other"]]
    assert got["status"] == [["3", "200"], ["1", "403"], ["2", "404"]]
    assert got["target"] == [
        ["2", "default"], ["1", "os/boot"], ["1", "os/nothing"],
        ["1", f"names/{B}"]]
    assert [(row[0], row[2]) for row in got["client"]] == [("3", A), ("3", B)]
    for _, last, _ in got["client"]:
        age = datetime.now(UTC) - datetime.strptime(last, "%Y-%m-%dT%H:%M:%S%z")
        assert timedelta(0) <= age < timedelta(seconds=2 * place.PATIENCE)


def test_stats_of_an_empty_log(log):
    got = tables_of(log=log(note("x")))
    assert [row[0] for row in got.pop("decision")] == ["0"] * 7
    assert all(rows == [] for rows in got.values())


def test_stats_name_the_most(log):
    there = timezone(timedelta(hours=2))
    path = log(*(line(f"10.0.0.{n}", NOON.astimezone(there)
                      + timedelta(seconds=i), decision=f"static os{n}/boot")
                 for n in range(1, 121) for i in range(n)),
               line("10.0.0.120", decision="-", status=405))
    got = tables_of(log=path)
    assert got["status"] == [["7260", "200"], ["1", "405"]]
    assert got["target"] == [
        [str(n), f"os{n}/boot"] for n in range(120, 20, -1)] + [
        ["(20", "more)"]]
    assert got["client"][0] == ["121", "2026-11-22T12:01:59Z", "10.0.0.120"]
    assert [row[2] for row in got["client"][:-1]] == [
        f"10.0.0.{n}" for n in range(120, 110, -1)]
    assert got["client"][-1] == ["(110", "more)"]


def test_stats_tell_of_lines_that_are_none_of_pxesrvs(log):
    path = log(line(), "x\n")
    done = run("stats", log=path)
    assert done.returncode == 0 and done.stdout
    assert done.stderr == f"pxesrvctl: {path}: 1 line was not written by PXESrv\n"


@pytest.mark.skipif(place.IS_SANITIZED, reason="it needs room of its own")
def test_memory_is_bounded_by_the_names(tmp_path):
    room = 24 << 20
    path = tmp_path / "big.log"
    with open(path, "w") as file:
        for n in range(1000):
            file.write(line(f"10.0.0.{n % 250}") * 300)
    assert os.path.getsize(path) > room
    done = run("stats", log=path, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_AS, (room, room)))
    assert (done.returncode, done.stderr) == (0, "")
    assert "    300000  once\n" in done.stdout
