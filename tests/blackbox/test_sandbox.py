# SPDX-License-Identifier: MIT
"""The responder's sandbox: what it says, and that it is in nobody's way."""
import ctypes
import os
import pty
import select
import signal
import subprocess

import pytest

import answer
import fastcgi
import place
import test_cases
from cases import CASES
from deployments import Bare, meta_variables
from hanging import Hanging
from place import children_of, until
from responder import Responder
from tree import Directory, Link

CLIENT = "127.0.0.7"
TREE = {"default": "default", "os/boot": "os"}
PARTS = {"once": Directory(), "grub": Directory()}
CREATE_RULESET = 444  # landlock_create_ruleset(2), on all machines
LANDLOCK = ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1)
WHOLE = f"files and network (Landlock {LANDLOCK}); system calls (seccomp)"

pytestmark = pytest.mark.skipif(
    LANDLOCK < 4, reason="this kernel has no Landlock for files and network")


def ask(r, client=CLIENT, path="/redirect", **params):
    return answer.from_cgi(fastcgi.ask(
        r.path, {**meta_variables("GET", path, client), **params}))


def lines(path=place.LOG):
    with open(path) as file:
        return file.read().splitlines()


def said(path=place.LOG):
    """What the newest start said of the sandbox."""
    return [line.partition('"- - -" 0 0 0.0000 sandbox: ')[2]
            for line in lines(path) if " sandbox: " in line][-1]


def claims(r, tree, target="../os/boot"):
    """Whether a link can be armed, claimed and served."""
    tree.arm(CLIENT, target)
    return ask(r).body == b"os" and until(
        lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")


class Traced(Responder):
    """A responder under strace(1), which may inject errors."""

    def __init__(self, stderr, trace, *options, **how):
        self.trace = trace
        super().__init__(stderr, program=(
            "strace", "-f", "-o", trace, *options, place.FCGI), **how)

    @property
    def pid(self):
        tracer = self.process.pid
        return (children_of(tracer) or [tracer])[0]

    def end(self, number=signal.SIGTERM, timeout=place.PATIENCE):
        if self.is_running():
            os.kill(self.pid, number)
        return self.process.wait(timeout)


@pytest.fixture
def traced(tmp_path):
    """Starts one that is traced, with these options for strace."""
    started = []

    def start(*options, **how):
        started.append(Traced(str(tmp_path / "stderr"), "/run/servers/trace",
                              *options, **how))
        return started[-1]

    yield start
    for one in started:
        one.stop()
        os.unlink(one.trace)


# What holds

def test_each_thread_is_confined(responder, tree):
    tree.make(TREE)
    r = responder(PXESRV_THREADS="3")
    assert ask(r).body == b"default"
    threads = os.listdir(f"/proc/{r.pid}/task")
    assert len(threads) == 4
    for thread in threads:
        status = lines(f"/proc/{r.pid}/task/{thread}/status")
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status


def test_it_says_what_holds(responder, tree):
    tree.make({**TREE, **PARTS})
    r = responder()
    assert said() == WHOLE
    assert "sandbox" not in r.messages()


def test_without_a_root_it_says_so(responder, tree):
    tree.make({**TREE, **PARTS})
    r = responder(PXESRV_ROOT=None)
    assert said() == (f"network (Landlock {LANDLOCK}); files are not confined: "
                      "PXESRV_ROOT is not in the environment; "
                      "system calls (seccomp)")
    assert claims(r, tree)
    assert "sandbox" not in r.messages()


@pytest.mark.parametrize("call, error, want", [
    ("landlock_create_ruleset", "ENOSYS",
     "files are not confined: this kernel has no Landlock; "
     "system calls (seccomp)"),
    ("landlock_create_ruleset", "EOPNOTSUPP",
     "files are not confined: this kernel has no Landlock; "
     "system calls (seccomp)"),
    ("landlock_create_ruleset", "EPERM",
     "files are not confined: Landlock is forbidden here; "
     "system calls (seccomp)"),
    ("landlock_add_rule", "ENOMEM",
     f"network (Landlock {LANDLOCK}); files are not confined: Cannot allocate "
     "memory; system calls (seccomp)"),
    ("landlock_restrict_self", "EPERM",
     "network is not confined: Landlock: Operation not permitted; files are "
     "not confined: Operation not permitted; system calls (seccomp)"),
])
def test_a_kernel_that_refuses_landlock(traced, tree, call, error, want):
    tree.make({**TREE, **PARTS})
    r = traced("-e", f"trace={call}", "-e", f"inject={call}:error={error}")
    assert said() == want
    # Whoever starts it is told, too.
    assert "pxesrv.fcgi: sandbox: " + want in r.messages()
    assert claims(r, tree)


@pytest.mark.parametrize("error", ["EINVAL", "EPERM", "EACCES", "ENOSYS"])
def test_a_kernel_that_refuses_seccomp(traced, tree, error):
    tree.make({**TREE, **PARTS})
    r = traced("-e", "trace=seccomp,prctl",
               "-e", f"inject=seccomp:error={error}",
               "-e", f"inject=prctl:error={error}")
    assert "system calls are not confined: seccomp: " in said()
    assert "system calls are not confined" in r.messages()
    assert claims(r, tree)


@pytest.mark.parametrize("version", range(1, LANDLOCK + 1))
def test_each_version_of_landlock(traced, tree, version):
    """As if the kernel were an older one."""
    tree.make({**TREE, **PARTS})
    with open("/run/servers/default", "w") as file:
        file.write("another tree")
    call = "landlock_create_ruleset"
    r = traced("-e", f"trace={call}",
               "-e", f"inject={call}:retval={version}:when=1")
    if version == 1:
        assert said() == ("files are not confined: Landlock 1 does not "
                          "allow moving links; system calls (seccomp)")
        assert "sandbox" in r.messages()
    else:
        network = " and network" if version >= 4 else ""
        assert said() == (f"files{network} (Landlock {version}); "
                          "system calls (seccomp)")
        assert ask(r, PXESRV_ROOT="/run/servers").status == 403
    assert claims(r, tree)


# That it is in nobody's way

def test_no_call_is_refused_in_the_table_of_cases(traced, tree, tmp_path):
    """All of them, by one responder whose system calls are watched."""
    one = Bare(str(tmp_path))
    r = one.responder = traced()
    for case in CASES:
        for family in test_cases.families(case):
            test_cases.run(one, tree, case, family)
            tree.clear()
    def times_opened():
        return sum(f'"{place.LOG}"' in line for line in lines(r.trace))

    before = times_opened()
    os.kill(r.pid, signal.SIGHUP)
    until(lambda: times_opened() > before, "the log is opened again")
    r.end()
    calls = lines(r.trace)
    since = max(i for i, line in enumerate(calls)
                if " seccomp(SECCOMP_SET_MODE_FILTER" in line)
    assert len(calls) - since > 1000, "the trace does not have them"
    assert [line for line in calls[since:] if "ENOSYS" in line] == []


def test_once_and_grub_that_are_made_later(responder, tree):
    tree.make(TREE)
    r = responder()
    assert said() == (
        f"files and network (Landlock {LANDLOCK}); "
        "once/ does not exist: links may be moved in all of the root; "
        "grub/ does not exist: files may be removed in all of the root; "
        "system calls (seccomp)")
    for _ in range(2):
        assert claims(r, tree)
        tree.add("grub/2/grub.cfg-7F000007", "x")
        assert ask(r, path="/grub/clear/2").status == 200


def ends_by_itself(r, got):
    """It has said why, for a machine to ask again, and is gone."""
    assert got.status == 503 and got.headers["retry-after"] == "5"
    assert got.body == (b"# The boot server's directories were replaced; "
                        b"it starts anew\n")
    until(lambda: any("was replaced since the start, so the responder ends"
                      in line for line in lines()), "it is in the log")
    until(lambda: r.process.poll() is not None, "it ends")
    assert r.process.returncode == 0
    r.stop()


def test_once_that_is_replaced_by_another_directory(responder, tree):
    """Its rights belong to the one that was there: the link stays armed."""
    tree.make({**TREE, **PARTS})
    r = responder()
    os.rename(tree.full("once"), tree.full("old"))
    tree.make({f"once/{CLIENT}": Link("../os/boot")})
    ends_by_itself(r, ask(r))
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    assert ask(responder()).body == b"os"


@pytest.mark.parametrize("when", ["before the start", "later"])
def test_done(responder, tree, when):
    """Also where until/.done goes missing meanwhile."""
    tree.make({**TREE, **PARTS, "until": Directory()})
    r = responder()
    assert said() == WHOLE
    for _ in range(2):
        if when == "later":
            os.rmdir(tree.full("until/.done"))
        os.symlink("../os/boot", tree.full(f"until/{CLIENT}"))
        assert ask(r).body == b"os"
        got = ask(r, path="/done")
        assert (got.status, got.body) == (
            200, f"Done until/{CLIENT}\n".encode())
        assert tree.link(f"until/.done/{CLIENT}") == "../os/boot"
        assert ask(r).body == b"default"
        os.unlink(tree.full(f"until/.done/{CLIENT}"))


def test_until_that_is_made_later(responder, tree):
    """It has no rights there, but its successor does."""
    tree.make({**TREE, **PARTS})
    r = responder()
    tree.make({f"until/{CLIENT}": Link("../os/boot")})
    for _ in range(2):
        assert ask(r).body == b"os"
    ends_by_itself(r, ask(r, path="/done"))
    assert tree.link(f"until/{CLIENT}") == "../os/boot"
    r = responder()
    assert ask(r, path="/done").status == 200
    assert tree.link(f"until/.done/{CLIENT}") == "../os/boot"


def test_until_that_is_replaced_by_another_directory(responder, tree):
    tree.make({**TREE, **PARTS, "until": Directory()})
    r = responder()
    os.rename(tree.full("until"), tree.full("old"))
    tree.make({f"until/{CLIENT}": Link("../os/boot"),
               "until/.done": Directory()})
    ends_by_itself(r, ask(r, path="/done"))
    assert tree.link(f"until/{CLIENT}") == "../os/boot"
    assert ask(responder(), path="/done").status == 200


def test_until_that_is_a_link_out_of_the_tree(responder, tree):
    os.makedirs("/run/servers/until", exist_ok=True)
    os.chown("/run/servers/until", *place.OWNER)
    tree.make({**TREE, **PARTS, "until": Link("/run/servers/until")})
    r = responder()
    os.symlink(tree.full("os/boot"), f"/run/servers/until/{CLIENT}")
    assert ask(r).body == b"os"
    assert ask(r, path="/done").status == 200
    assert os.path.islink(f"/run/servers/until/.done/{CLIENT}")


def test_a_root_that_is_replaced_by_another_directory(responder, tree):
    tree.make({"a/default": "a", "b/default": "b"})
    r = responder(PXESRV_ROOT=tree.full("a"))
    assert ask(r).body == b"a"
    os.rename(tree.full("a"), tree.full("c"))
    os.rename(tree.full("b"), tree.full("a"))
    ends_by_itself(r, ask(r))
    assert ask(responder(PXESRV_ROOT=tree.full("a"))).body == b"b"


def test_a_root_that_gets_another_inode_of_the_same_number(responder, tree):
    """As GlusterFS gives it when an option of the volume is set."""
    os.mkdir(tree.full("mounted"))
    disk = Hanging(tree.full("mounted"), {"tree/default": b"boot"})
    try:
        root = tree.full("mounted/tree")
        r = responder(PXESRV_ROOT=root)
        number = os.stat(root).st_ino
        disk.renew()
        assert os.stat(root).st_ino == number
        ends_by_itself(r, ask(r))
        assert ask(responder(PXESRV_ROOT=root)).body == b"boot"
    finally:
        disk.close()


def test_what_may_not_be_read_ends_nothing(responder, tree):
    """As long as the directories are those of the start."""
    tree.make({**TREE, **PARTS, "secret": "x",
               f"static/{CLIENT}": Link("../secret")})
    os.chmod(tree.full("secret"), 0)
    r = responder()
    for _ in range(3):
        assert ask(r).status == (200 if place.OWNER[0] == 0 else 403)
    os.unlink(tree.full(f"static/{CLIENT}"))
    assert ask(r).body == b"default"


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_a_root_that_is_mounted_anew(responder, tree):
    at = tree.full("mounted")
    tree.make({"mounted": Directory()})
    tree.path = at
    tree.make(TREE)
    r = responder(PXESRV_ROOT=at)
    assert ask(r).body == b"default"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "tmpfs", at],
                   check=True)
    try:
        tree.make({**TREE, "default": "another"})
        ends_by_itself(r, ask(r))
        r = responder(PXESRV_ROOT=at)
        assert ask(r).body == b"another"
        r.stop()
    finally:
        subprocess.run(["umount", at], check=True)
        tree.path = place.ROOT


def test_once_that_is_a_link(responder, tree):
    tree.make({**TREE, "state/once": Directory(), "state/grub": Directory(),
               "once": Link("state/once"), "grub": Link("state/grub")})
    r = responder()
    assert said() == WHOLE
    tree.add("grub/2/grub.cfg-7F000007", "x")
    assert claims(r, tree, tree.full("os/boot"))
    assert ask(r, path="/grub/clear/2").status == 200


def test_once_that_is_a_link_out_of_the_tree(responder, tree):
    os.makedirs("/run/servers/once", exist_ok=True)
    os.chown("/run/servers/once", *place.OWNER)
    tree.make({**TREE, "once": Link("/run/servers/once"), "grub": Directory()})
    r = responder()
    assert said() == WHOLE
    # A link of it is still one of once/, and counts from there.
    os.symlink(tree.full("os/boot"), f"/run/servers/once/{CLIENT}")
    assert ask(r).body == b"os"
    until(lambda: os.path.islink(f"/run/servers/once/.served/{CLIENT}"),
          "it is settled")


def test_a_version_of_grub_that_is_a_link(responder, tree):
    tree.make({**TREE, **PARTS, "os/grub/grub.cfg-7F000007": "x",
               "grub/2": Link("../os/grub"), "grub/3": Link("/run/servers")})
    with open("/run/servers/grub.cfg-7F000007", "w") as file:
        file.write("x")
    r = responder()
    assert ask(r, path="/grub/clear/2").status == 200
    assert ask(r, path="/grub/clear/3").status == 403
    os.unlink("/run/servers/grub.cfg-7F000007")


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
@pytest.mark.parametrize("name", ["", "once", "os"])
def test_a_mount_in_the_tree(responder, tree, name):
    """name is what is mounted, "": the tree itself."""
    at = tree.full("mounted")
    tree.make({"mounted": Directory()})
    tree.path = at
    if name:
        tree.make({name: Directory()})
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "tmpfs",
                    tree.full(name)], check=True)
    try:
        tree.make({**TREE, "grub/2/grub.cfg-7F000007": "x"})
        tree._parents("once/x")
        r = responder(PXESRV_ROOT=at)
        assert said() == WHOLE
        assert claims(r, tree)
        assert ask(r, path="/grub/clear/2").status == 200
        r.stop()
    finally:
        subprocess.run(["umount", tree.full(name)], check=True)
        tree.path = place.ROOT


@pytest.mark.parametrize("links, root, below", [
    ({"current": "releases/1"}, "current", ""),
    ({"current": "releases/1"}, "current/tree", "/tree"),
    ({"current": "releases/1", "way": "current/tree"}, "way", "/tree"),
    ({"current": "ROOT/releases/1", "way": "ROOT/current"}, "way/tree/",
     "/tree"),
])
def test_a_root_that_is_switched_by_a_link(
        responder, tree, links, root, below):
    for name in ("releases/1", "releases/2", "elsewhere"):
        tree.make({f"{name}{below}/default": name[-1],
                   f"{name}{below}/once": Directory()})
    tree.make({name: Link(text.replace("ROOT", place.ROOT))
               for name, text in links.items()})
    r = responder(PXESRV_ROOT=tree.full(root))
    assert " is a link: all of " in said()
    assert ask(r).body == b"1"
    for release in "212":
        text = links["current"].replace("1", release).replace(
            "ROOT", place.ROOT)
        os.symlink(text, tree.full("new"))
        os.rename(tree.full("new"), tree.full("current"))
        assert ask(r).body == release.encode()
        os.symlink("../default",
                   tree.full(f"releases/{release}{below}/once/{CLIENT}"))
        assert ask(r).body == release.encode()
        served = tree.full(f"releases/{release}{below}/once/.served/{CLIENT}")
        until(lambda: os.path.lexists(served), "it is settled")
        os.unlink(served)
    # Outside of where they were, it may not follow.
    os.unlink(tree.full("current"))
    os.symlink(links["current"].replace("releases/1", "elsewhere").replace(
        "ROOT", place.ROOT), tree.full("current"))
    ends_by_itself(r, ask(r))
    r = responder(PXESRV_ROOT=tree.full(root))
    assert ask(r).body == b"e"


def test_a_root_that_is_a_link_to_a_directory_in_slash(responder, tree):
    os.symlink("/srv", "/run/servers/link")
    r = responder(PXESRV_ROOT="/run/servers/link")
    os.unlink("/run/servers/link")
    why = ("files are not confined: a link to a directory in / leads to "
           "the root")
    assert why in said() and why in r.messages()


# Settings that lead elsewhere

def test_a_request_that_names_another_place(responder, tree):
    tree.make({**TREE, **PARTS, f"static/{CLIENT}": Link("/run/servers/image")})
    for path in ("/run/servers/image", "/run/servers/default"):
        with open(path, "w") as file:
            file.write("allowed")
    r = responder()
    note = "(this responder is confined to the PXESRV_ROOT and PXESRV_ALLOW " \
        "of its own environment)"
    for params in ({"PXESRV_ROOT": "/run/servers"},
                   {"PXESRV_ALLOW": "/run/servers"}):
        before = len(lines())
        got = ask(r, **params)
        assert got.status == 403
        assert got.body.endswith(b": Permission denied\n")
        assert until(lambda: lines()[before:], "the log")[0].endswith(note)
    # What its environment allows is no matter of who asks.
    for root in (place.ROOT, place.ROOT + "/"):
        assert ask(r, "127.0.0.8", PXESRV_ROOT=root).body == b"default"
    r.stop()
    r = responder(PXESRV_ALLOW="/nothing:/run/servers")
    assert said() == (f"files and network (Landlock {LANDLOCK}); /nothing in "
                      "PXESRV_ALLOW cannot be read until a restart: No such "
                      "file or directory; system calls (seccomp)")
    assert ask(r).body == b"allowed"
    assert not any(note in line for line in lines() if " 200 " in line)


def test_a_request_that_names_another_log(responder, tree):
    tree.make(TREE)
    r = responder()
    assert ask(r, PXESRV_LOG="/run/servers/other.log").body == b"default"
    until(lambda: r.messages().count("\n") == 2, "a warning and the line")
    assert "/run/servers/other.log: Permission denied" in r.messages()
    assert not os.path.exists("/run/servers/other.log")


# The log

def test_a_log_whose_directory_is_missing(responder, tree):
    tree.make({**TREE, **PARTS})
    r = responder(PXESRV_LOG="/run/servers/logs/log")
    assert said(r.stderr).startswith(
        f"files and network (Landlock {LANDLOCK}); /run/servers/logs/log "
        "cannot be opened until a restart: No such file or directory")
    assert ask(r).body == b"default"


@pytest.mark.parametrize("link", [False, True])
def test_a_log_that_is_rotated_again_and_again(responder, tree, link):
    tree.make({**TREE, **PARTS})
    path = "/var/log/link.log" if link else place.LOG
    if link:
        os.makedirs("/run/servers/logs", exist_ok=True)
        os.chown("/run/servers/logs", *place.OWNER)
        os.symlink("/run/servers/logs/real", path)
    r = responder(PXESRV_LOG=path)
    real = os.path.realpath(path)
    for _ in range(3):
        os.rename(real, real + ".1")
        os.kill(r.pid, signal.SIGHUP)
        until(lambda: os.path.exists(real), "the new log")
        assert ask(r).body == b"default"
        until(lambda: "GET" in open(real).read(), "its line")
    if link:
        # Now the link itself makes room for a file.
        os.unlink(path)
        os.kill(r.pid, signal.SIGHUP)
        until(lambda: os.path.exists(path), "the new log")
        os.unlink(path)
    os.unlink(real + ".1")
    assert r.messages() == ""


def is_log_nonblocking(r, path):
    """Whether the log, which is no standard descriptor, would not wait."""
    for fd in map(int, os.listdir(f"/proc/{r.pid}/fd")):
        if fd > 2 and os.readlink(f"/proc/{r.pid}/fd/{fd}") == path:
            flags = next(line for line in lines(f"/proc/{r.pid}/fdinfo/{fd}")
                         if line.startswith("flags:"))
            return bool(int(flags.split()[1], 8) & os.O_NONBLOCK)
    return None


def read_until(fd, text):
    out = b""
    while text not in out:
        assert select.select([fd], [], [], place.PATIENCE)[0], out
        out += os.read(fd, 4096)


@pytest.mark.parametrize("kind", ["terminal", "pipe"])
def test_a_log_on_standard_error_is_opened_again(tree, kind):
    tree.make({**TREE, **PARTS})
    reader, writer = pty.openpty() if kind == "terminal" else os.pipe()
    os.fchown(writer, *place.OWNER)
    name = os.readlink(f"/proc/self/fd/{writer}")
    path = "/run/pxesrv/stderr.sock"
    r = Responder(f"/proc/{os.getpid()}/fd/{writer}", path=path,
                  env={"PXESRV_LOG": "-"})
    try:
        read_until(reader, WHOLE.encode())
        for _ in range(3):
            os.kill(r.pid, signal.SIGHUP)
            assert ask(r).body == b"default"
            read_until(reader, b" 200 7 ")
            assert is_log_nonblocking(r, name)
    finally:
        status = r.end()
        os.close(writer)
        os.close(reader)
    assert status == 0
