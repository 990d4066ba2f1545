# SPDX-License-Identifier: MIT
"""The AppArmor profile: that it can be loaded, that it has what the responder
does, and little else."""
import os
import pty
import signal
import socket
import subprocess

import pytest

import fastcgi
import place
from apparmor import PARSER, Profile, accesses, parse
from deployments import meta_variables
from place import until
from responder import Responder
from tree import Link

NAME = "usr.libexec.pxesrv.pxesrv.fcgi"
PATH = os.path.join(place.CONF, "apparmor", NAME)
LARGE = 8 << 20  # more than a socket takes at once
TREE = {"default": "default", "large": "x" * LARGE,
        "once/127.0.0.10": Link("../large"),
        "os/boot": "os", "static/127.0.0.8": "static",
        "once/127.0.0.7": Link("../os/boot"), "once/127.0.0.9": Link("nowhere"),
        "names/127.0.0.11": Link("node11"),
        "until/node11": Link("../os/boot"), "subnet/127.0.1.0_24": "rack",
        "grub/2/grub.cfg-7F000007": "x"}
TRACE = place.SERVERS + "/trace"
ENABLED = "/sys/module/apparmor/parameters/enabled"

pytestmark = pytest.mark.skipif(
    not os.path.exists(PARSER), reason="apparmor is not installed")


@pytest.fixture(scope="module")
def profile():
    return Profile(read(PATH))


def test_its_syntax():
    done = parse("-Q", "-K", PATH)
    assert done.returncode == 0, done.stderr


def test_a_wrong_one_is_found_out():
    text = read(PATH)
    for wrong in (text.replace(" rwlk,", " rwlkz,"),
                  text.replace("/** r,", "/** r"),
                  text.replace("<tunables/global>", "<tunables/nothing>")):
        assert wrong != text
        assert parse("-Q", "-K", text=wrong).returncode != 0


def ask(client, path="/redirect"):
    """The body of an answer. See deployments.meta_variables."""
    answer = fastcgi.ask(place.SOCKET, meta_variables("GET", path, client))
    return answer.partition(b"\r\n\r\n")[2]


def all_kinds_of_requests(tree):
    for client, body in (("127.0.0.7", b"os"), ("127.0.0.7", b"default"),
                         ("127.0.0.8", b"static")):
        assert ask(client) == body
    assert b"No such file" in ask("127.0.0.9")
    assert (ask("127.0.1.1"), ask("127.0.0.11")) == (b"rack", b"os")
    assert ask("127.0.0.11", "/done") == b"Done until/node11\n"
    assert tree.link("until/.done/node11") == "../os/boot"
    assert ask("127.0.0.7", "/grub/clear/2").startswith(b"Delete ")
    assert not os.path.exists(tree.full("grub/2/grub.cfg-7F000007"))

    # Its answer is not taken to the end, so the link goes back.
    with fastcgi.Connection(place.SOCKET) as connection:
        connection.send(fastcgi.request(
            meta_variables("GET", "/redirect", "127.0.0.10")))
        connection.read_record()
    until(lambda: os.path.islink(tree.full("once/127.0.0.10")), "its link")
    until(lambda: not tree.claimed(), "no claim is left")


def read(path):
    with open(path) as file:
        return file.read()


def traced(directory, *options, before=(), **env):
    """A responder with strace as its child, so that signals reach it."""
    return Responder(str(directory / "stderr"), env=env, program=(
        *before, "strace", "-D", "-f", "-y", "-o", TRACE, *options, place.FCGI))


def of_trace(one, profile):
    """What it did, until its end. The profile has all of it."""
    one.stop()
    until(lambda: "+++ exited with 0 +++" in read(TRACE).splitlines()[-1],
          "the end of the trace")
    seen = list(accesses(read(TRACE)))
    missing = [line for path, rights, line in seen
               if not profile.allows(path, rights)]
    assert not missing, "\n".join(missing)
    return seen


def test_it_has_what_the_responder_does(tree, profile, tmp_path):
    tree.make(TREE)
    os.makedirs("/run/systemd", exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("/run/systemd/notify")
        os.chmod("/run/systemd/notify", 0o666)
        # A link goes back as on NFS, which takes more.
        one = traced(tmp_path, "-e", "inject=renameat2:error=EINVAL",
                     NOTIFY_SOCKET="/run/systemd/notify")
        all_kinds_of_requests(tree)
        os.rename(place.LOG, place.LOG + ".1")
        one.process.send_signal(signal.SIGHUP)
        until(lambda: os.path.exists(place.LOG), "the new log")
        assert ask("127.0.0.7") == b"default"
        seen = of_trace(one, profile)
    os.unlink("/run/systemd/notify")
    os.unlink(place.LOG + ".1")
    # And those were the accesses that there are.
    paths = {path for path, *_ in seen}
    assert {place.SOCKET, place.LOG, "/run/systemd/notify",
            place.ROOT + "/once/.lock", place.ROOT + "/once/127.0.0.7",
            place.ROOT + "/grub/2/grub.cfg-7F000007",
            place.ROOT + "/static/127.0.0.8"} <= paths
    assert {"r", "w", "rw", "l", "kw", "mr"} <= {rights for _, rights, _ in seen}


def test_it_has_a_terminal(tree, profile, tmp_path):
    tree.make(TREE)
    master, terminal = pty.openpty()
    name = os.ttyname(terminal)
    os.fchown(terminal, *place.OWNER)
    one = traced(tmp_path, PXESRV_LOG="-",
                 before=("sh", "-c", f'exec "$@" 2>{name}', "sh"))
    assert ask("127.0.0.7") == b"os"
    seen = of_trace(one, profile)
    assert (name, "w") in {(path, rights) for path, rights, _ in seen}
    os.close(terminal)
    os.close(master)


@pytest.mark.parametrize("path, rights", [
    ("/etc/passwd", "r"), ("/etc/shadow", "r"), ("/srv/other", "r"),
    ("/srv/pxesrv/default", "w"), ("/srv/pxesrv/static/10.0.0.7", "w"),
    ("/srv/pxesrv/grub/2/grub.cfg", "w"), ("/srv/pxesrv/once", "w"),
    ("/usr/libexec/pxesrv/pxesrv.fcgi", "w"), ("/usr/bin/dash", "x"),
    ("/usr/bin/dash", "m"), ("/proc/self/mem", "w"), ("/var/log/syslog", "w"),
    ("/var/log/pxesrv.log", "r"), ("/home/a/.Private/b", "x"),
    ("/run/pxesrv/other.sock", "w"), ("/lib/x86_64-linux-gnu/a/b.so", "m"),
    ("/dev/pts/0", "r"), ("/dev/sda", "w"), ("/dev/mem", "w")])
def test_it_has_nothing_else(profile, path, rights):
    assert not profile.allows(path, rights)


def planted(line):
    """The profile with another line, which the parser takes."""
    whole = read(PATH)
    text = whole.replace("  /dev/null rw,\n", f"  /dev/null rw,\n  {line}\n")
    assert text != whole
    done = parse("-Q", "-K", text=text)
    assert done.returncode == 0, done.stderr
    return text


@pytest.mark.parametrize("rule, path, rights", [
    ("/** Ux", "/usr/bin/dash", "x"), ("/bin/dash px", "/bin/dash", "x"),
    ("/bin/dash rPUx", "/bin/dash", "rx"), ("/bin/dash ix", "/bin/dash", "x"),
    ("/etc/shadow a", "/etc/shadow", "w"),
    ("/etc/shadow RW", "/etc/shadow", "rw"),
    ("/etc/{group,sh{a,e}dow} r", "/etc/shadow", "r"),
    ("@{PROC}/*/mem rw", "/proc/1/mem", "rw")])
def test_a_right_that_is_planted_is_found(profile, rule, path, rights):
    assert not any(profile.allows(path, right) for right in rights)
    assert Profile(planted(rule + ",")).allows(path, rights)


@pytest.mark.parametrize("line", [
    # Ways to name a file, and to say so, that are not read.
    "/etc/sha[d]ow rw,", "/etc/sh?dow r,", "/etc/shado\\x77 r,",
    '"/etc/shadow" r,', "/etc/a,shadow r,", "//etc/shadow r,",
    "rw /etc/shadow,", "file r /etc/shadow,", "file,", "/etc/shadow\n  r,",
    "/etc/group r, /etc/shadow r,", "owner /etc/shadow r,",
    "audit /etc/shadow r,", "deny /dev/null w,", "/bin/dash px -> other,",
    "link /srv/pxesrv/* -> /**,",
    # Others.
    "network,", "network inet stream,", "unix,", "signal,", "ptrace,",
    "capability,", "capability dac_override,", "change_profile,", "mount,",
    "dbus,", "^other { /** rw, }"])
def test_what_could_allow_more_is_not_overlooked(line):
    with pytest.raises(ValueError):
        Profile(planted(line))


@pytest.mark.parametrize("old, new", [
    ("flags=(attach_disconnected)", "flags=(attach_disconnected,complain)"),
    ("\nprofile ", "\nprofile other /** {\n  /** rw,\n}\nprofile "),
    ("}\n", "}\nprofile other /** {\n  /** rw,\n}\n"),
    ("\nprofile ", "\nalias /srv/pxesrv/ -> /,\nprofile ")])
def test_around_it_neither(old, new):
    head, _, last = read(PATH).rpartition(old)
    text = head + new + last
    assert parse("-Q", "-K", text=text).returncode == 0
    with pytest.raises(ValueError):
        Profile(text)


def kernel_has_it():
    if not os.path.exists(ENABLED):
        return False
    return read(ENABLED).strip() == "Y" and place.AS_ROOT


@pytest.mark.skipif(not kernel_has_it(), reason="no AppArmor in this kernel, or"
                    " no root rights: the profile was not loaded, only read")
def test_under_it(tree, responder):
    if "pxesrv.fcgi " in read("/sys/kernel/security/apparmor/profiles"):
        pytest.skip("it is loaded already: it is this machine's")
    tree.make(TREE)
    subprocess.run([PARSER, "-a", "-K", PATH], check=True)
    try:
        one = responder()
        assert read(f"/proc/{one.pid}/attr/current").strip() == \
            "pxesrv.fcgi (enforce)"
        all_kinds_of_requests(tree)
        one.stop()
    finally:
        subprocess.run([PARSER, "-R", PATH], check=True)
