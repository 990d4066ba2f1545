# SPDX-License-Identifier: MIT
"""pxesrvctl wait, and the files of clients that -f names."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import meta_variables
from fastcgi import Connection
from place import until
from terminal import Terminal
from tree import Directory, Link, OldLink
from waiting import CLOCK, Waiting

A, B, C = "127.0.0.7", "127.0.0.8", "127.0.0.9"
TREE = {"default": MENU, "os/boot": OS, "os/other": OS + "#",
        "os/large": b"x" * (8 << 20), "once": Directory(),
        "static": Directory(), "until": Directory()}


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    yield tree
    # A crash that a test has made leaves its claim behind.
    for name in tree.claimed():
        os.unlink(tree.full(f"once/.claimed/{name}"))


def ask(one, client=A, path="/redirect"):
    return answer.from_cgi(fastcgi.ask(
        one.path, meta_variables("GET", path, client)))


@pytest.fixture
def wait():
    """A function that starts one. All are ended."""
    started = []

    def start(*arguments, **how):
        started.append(Waiting(*arguments, **how))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.kill(one.pid, signal.SIGKILL)
        one.process.communicate(timeout=place.PATIENCE)


def served(client=A, target="os/boot", word="served"):
    return re.compile(rf"{re.escape(client)}: {word} {target} at {CLOCK}$")


# Served

def test_each_is_told_when_it_is_served(tree, responder, wait):
    r = responder()
    ctl.good("once", A, B, "os/boot")
    one = wait(A, B)
    assert ask(r, B).body == OS.encode()
    assert served(B).match(one.line())
    assert one.process.poll() is None
    ask(r, A)
    assert served(A).match(one.line())
    assert one.end() == (0, [], [])


def test_the_script_of_the_manual(tree, responder, tmp_path):
    """The machines may boot before it waits for them."""
    r = responder()
    rack = tmp_path / "rack 7.txt"
    rack.write_text(f"{A} # node7\n\n{B}\n")
    ctl.good("once", "-f", rack, "os/boot")
    ask(r, A), ask(r, B)
    done = ctl.good("wait", "-f", rack)
    assert [bool(served(c).match(line)) for c, line
            in zip((A, B), done.lines)] == [True, True]


def test_the_time_is_that_of_the_claim(tree):
    tree.add("once/.served/10.0.0.7", OldLink("../os/boot"))
    stamp = os.lstat(tree.full("once/.served/10.0.0.7")).st_mtime
    told, = ctl.good("wait", "10.0.0.7").lines
    assert told.endswith(time.strftime("%H:%M:%S", time.localtime(stamp)))
    event, end = ctl.good("wait", "--json", "10.0.0.7").objects()
    assert event == {
        "event": "served", "client": "10.0.0.7", "kind": "once",
        "target": "../os/boot",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))}
    assert end == {"event": "end", "reason": "finished", "clients": 1,
                   "over": 1, "missing": []}


def test_a_day_ago_has_its_date(tree):
    tree.add("once/.served/10.0.0.7", Link("../os/boot"))
    os.utime(tree.full("once/.served/10.0.0.7"), (86400, 86400),
             follow_symlinks=False)
    assert re.search(" at 1970-01-0[12] ", ctl.good("wait", "10.0.0.7").out)


def test_armed_again_while_it_waits(tree, responder, wait):
    """What counts is what is armed."""
    r = responder()
    tree.add(f"once/.served/{A}", OldLink("../os/other"))
    tree.arm(A, "../os/other")
    one = wait(A)
    tree.arm(A, "../os/boot")
    ask(r, A)
    assert served().match(one.line())
    assert one.end()[0] == 0


def test_an_answer_that_breaks_off(tree, responder, wait):
    """The link goes back, and is waited for again."""
    r = responder()
    tree.arm(A, "../os/large")
    one = wait(A)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(meta_variables("GET", "/redirect", A)))
        until(tree.claimed, "it is claimed")
    until(lambda: tree.link(f"once/{A}"), "it is back")
    assert one.process.poll() is None
    ask(r, A)
    assert served(target="os/large").match(one.line())
    assert one.end() == (0, [], [])


def test_an_answer_that_a_crash_has_interrupted(tree, responder, wait):
    r = responder()
    tree.arm(A, "../os/large")
    one = wait("--timeout", "1s", A)
    with Connection(r.path) as peer:
        peer.send(fastcgi.request(meta_variables("GET", "/redirect", A)))
        until(tree.claimed, "it is claimed")
        r.process.kill()
        r.process.wait()
    status, out, err = one.end()
    assert (status, out) == (1, [])
    assert err[0] == "pxesrvctl: the time is up: 1 of 1 missing:"
    assert re.fullmatch(
        rf"pxesrvctl: {A}: not served: an answer that began \d+ s ago is not "
        r"over; a crash may have interrupted it \(pxesrvctl list unsure\)",
        err[1])
    os.unlink(place.SOCKET)
    # Armed and served again, the rest of the crash tells nothing.
    tree.arm(A, "../os/boot")
    ask(responder(), A)
    assert served().match(ctl.good("wait", A).out)


# Not served

def lost(client, why):
    return (1, [f"{client}: {why}"],
            ["pxesrvctl: 1 of 1 missing:",
             f"pxesrvctl: {client}: not served: {why}"])


def result(*arguments, **how):
    done = ctl.run("wait", *arguments, **how)
    return done.status, done.lines, done.err.splitlines()


def test_one_that_is_not_armed(tree):
    assert result("10.0.0.7") == lost("10.0.0.7", "not armed")
    tree.add("once/10.0.0.7", "a file")
    assert result("10.0.0.7") == lost("10.0.0.7", "not armed")


@pytest.mark.parametrize("closed, told", [
    (">&-", ["127.0.0.7: not served: armed for"]),
    ("<&- >&-", ["127.0.0.7: not served: armed for"]),
    ("<&- >&- 2>&-", [])])
def test_output_that_is_closed(tree, closed, told):
    """It waits all the same."""
    ctl.run("once", A, "os/boot")
    start = time.monotonic()
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" wait --timeout 1s {A} {closed}', place.CTL],
        env=place.clean_env(PXESRV_ROOT=place.ROOT), stderr=subprocess.PIPE,
        text=True, timeout=place.PATIENCE)
    assert done.returncode == 1 and time.monotonic() - start >= 1
    for words in told:
        assert words in done.stderr


def test_a_tree_with_nothing(tree):
    tree.clear()
    assert result("10.0.0.7") == lost("10.0.0.7", "not armed")


@pytest.mark.parametrize("history", [{}, {
    f"once/.claimed/{A}.0123456789abcdef": OldLink("../os/other"),
    f"once/.served/{A}": OldLink("../os/other")}])
def test_cancelled_while_it_waits(tree, wait, history):
    """What was served before does not count, nor what a crash has left."""
    tree.make(history)
    ctl.good("once", A, "os/boot")
    one = wait(A)
    ctl.good("cancel", A)
    assert one.end() == lost(A, "cancelled")


def test_removed_while_it_waits(tree, wait):
    tree.arm(A, "../os/boot")
    one = wait(A)
    os.unlink(tree.full(f"once/{A}"))
    assert one.end() == lost(A, "cancelled")


def test_cancelled_before_it_waits(tree):
    tree.add(f"once/.served/{A}", OldLink("../os/other"))
    ctl.good("once", A, "os/boot")
    ctl.good("cancel", A)
    assert result(A) == lost(A, "cancelled")


def test_served_after_it_was_cancelled(tree, responder):
    r = responder()
    ctl.good("once", A, "os/boot")
    ctl.good("cancel", A)
    ctl.good("rearm", A)
    ask(r, A)
    assert served().match(ctl.good("wait", A).out)


def test_a_claim_that_somebody_removes(tree, wait):
    claim = f"once/.claimed/{A}.0123456789abcdef"
    tree.add(claim, Link("../os/boot"))
    one = wait(A)
    os.unlink(tree.full(claim))
    assert one.end() == lost(A, "gone from once/.claimed/; pxesrvctl log "
                                "says whether it was served")


def test_expired(tree, wait):
    env = {"PXESRV_ONCE_EXPIRES": "1800"}
    tree.add("once/10.0.0.7", OldLink("../os/boot"))
    assert result("10.0.0.7", env=env) == lost("10.0.0.7", "expired")
    # An hour is up while it waits.
    tree.arm(A, "../os/boot")
    stamp = time.time() - 1799
    os.utime(tree.full(f"once/{A}"), (stamp, stamp), follow_symlinks=False)
    one = wait(A, env=env)
    assert one.end() == lost(A, "expired")


def test_several_of_which_one_is_missing(tree, responder, wait):
    r = responder()
    ctl.good("once", A, B, C, "os/boot")
    one = wait("--timeout", "1s", "--json", A, B, C, B)
    ask(r, C), ask(r, A)
    status, out, err = one.end()
    events = [json.loads(line) for line in out]
    assert (status, err) == (1, [])
    assert sorted(e["client"] for e in events[:-1]) == [A, C]
    assert events[-1] == {
        "event": "end", "reason": "timeout", "clients": 3, "over": 2,
        "missing": [{"client": B, "kind": "once", "state": "armed"}]}


def test_a_word_that_is_nobody(tree):
    """The others are waited for all the same."""
    tree.add(f"once/.served/{A}", Link("../os/boot"))
    done = ctl.run("wait", "host.invalid", A)
    assert done.status == 1 and served().match(done.out)
    assert done.err.startswith("pxesrvctl: host.invalid: ")


# Until

def test_until_it_is_done(tree, responder, wait):
    r = responder()
    tree.add(f"until/{A}", Link("../os/boot"))
    one = wait(A)
    ask(r, A)
    assert ask(r, A, "/done").body == f"Done until/{A}\n".encode()
    assert served(word="done").match(one.line())
    assert one.end() == (0, [], [])
    # It was done before.
    assert served(word="done").match(ctl.good("wait", A).out)


def test_once_and_until(tree, responder, wait):
    r = responder()
    tree.add(f"until/{A}", Link("../os/other"))
    tree.arm(A, "../os/boot")
    one = wait(A)
    ask(r, A)
    assert served().match(one.line())
    assert one.process.poll() is None
    ask(r, A, "/done")
    assert served(word="done", target="os/other").match(one.line())
    assert one.end() == (0, [], [])


def test_an_until_link_that_is_removed(tree, wait):
    tree.add(f"until/.done/{A}", OldLink("../os/other"))
    tree.add(f"until/{A}", Link("../os/boot"))
    one = wait(A)
    os.unlink(tree.full(f"until/{A}"))
    assert one.end() == lost(A, "its until link was removed")


def test_one_that_is_not_done_in_time(tree):
    tree.add(f"until/{A}", OldLink("../os/boot"))
    status, out, err = result("--timeout", "0s", A)
    assert (status, out) == (1, [])
    assert err == ["pxesrvctl: the time is up: 1 of 1 missing:",
                   f"pxesrvctl: {A}: not done: armed in until/ for 60 min"]


# How it ends

@pytest.mark.parametrize("text", ["", "5", "1w", "-1s", "s", "1.5h", " 1s"])
def test_a_time_that_is_none(tree, text):
    done = ctl.run("wait", "--timeout", text, A)
    assert done.status == ctl.USAGE
    assert f"--timeout {text}: not a number with s, m, h or d" in done.err


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ended_by_a_signal(tree, wait, number):
    tree.add("once/10.0.0.7", OldLink("../os/boot"))
    one = wait("10.0.0.7")
    number = getattr(signal, number)
    assert one.end(number) == (
        -number, [], ["pxesrvctl: interrupted: 1 of 1 missing:",
                      "pxesrvctl: 10.0.0.7: not served: armed for 60 min"])


def test_what_nohup_ignores(tree, wait):
    tree.arm(A, "../os/boot")
    one = wait(A, preexec_fn=lambda: signal.signal(signal.SIGHUP,
                                                   signal.SIG_IGN))
    one.process.send_signal(signal.SIGHUP)
    assert one.end(signal.SIGTERM)[0] == -signal.SIGTERM


@pytest.mark.parametrize("action, status", [
    (signal.SIG_DFL, -signal.SIGPIPE), (signal.SIG_IGN, 1)])
def test_nobody_reads_it(tree, wait, action, status):
    tree.arm(A, "../os/boot")
    one = wait(A, preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
    one.process.stdout.close()
    assert one.process.wait(place.PATIENCE) == status


def test_a_directory_that_may_not_be_read(tree):
    tree.arm(A, "../os/boot")
    os.chmod(tree.full("once"), 0)
    try:
        done = ctl.run("wait", A, **place.AS_USER)
    finally:
        os.chmod(tree.full("once"), 0o755)
    assert done.status == 1
    assert done.err.splitlines() == [
        f"pxesrvctl: once/{A}: Permission denied",
        "pxesrvctl: 1 of 1 missing:", f"pxesrvctl: {A}: not known"]


# What it prints

def test_it_sleeps(tree, wait):
    tree.arm(A, "../os/boot")
    one = wait(A)
    if not one.by_inotify():
        pytest.skip("the tree is on a file system that inotify is not for")
    before = one.wakes()
    tree.arm(B, "../os/boot")  # no business of it, but it has to look
    until(lambda: one.wakes() > before, "it looks")
    time.sleep(0.3)
    before = one.wakes()
    time.sleep(1.5)
    assert one.wakes() == before


def test_directories_that_are_made_and_replaced(tree, wait):
    """once/.served/ is missing at first, and once/ is another one later."""
    tree.arm(A, "../os/boot")
    tree.add("new/x", "")
    one = wait("--timeout", "15s", A)
    os.rename(tree.full("once"), tree.full("old"))
    tree.arm(A, "../os/boot")
    tree.add("once/.served", Directory())
    time.sleep(0.3)  # the look that this brings about
    os.rename(tree.full(f"once/{A}"), tree.full(f"once/.served/{A}"))
    # May count as cancelled while there is no once/ at all.
    status, out, _ = one.end()
    assert served().match(out[-1]) and status == 0


def test_polling_without_inotify(tree, responder, wait):
    """As when other programs have all instances that a user may have."""
    r = responder()
    tree.arm(A, "../os/boot")
    one = wait(A, before=[
        "strace", "-o", "/dev/null", "-e", "trace=inotify_init1", "-e",
        "inject=inotify_init1:error=EMFILE"])
    assert not one.by_inotify()
    ask(r, A)
    assert served().match(one.line())
    assert one.end()[0] == 0


@pytest.fixture
def ramfs(tree):
    """once/ on one that is not known to be local, as that of a network."""
    once = tree.full("once")
    subprocess.run(["mount", "-t", "ramfs", "ramfs", once], check=True)
    os.chown(once, *place.OWNER)
    yield once
    subprocess.run(["umount", once], check=True)


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_polling_a_file_system_that_is_not_local(
        tree, ramfs, responder, wait):
    r = responder()
    tree.arm(A, "../os/boot")
    one = wait(A)
    assert not one.by_inotify()
    before = one.wakes()
    time.sleep(2.5)
    assert 1 <= one.wakes() - before <= 4, "each second"
    ask(r, A)
    assert served().match(one.line())
    assert one.end() == (0, [], [])
    r.stop()


@pytest.mark.skipif(not place.AS_ROOT, reason="only root can mount")
def test_a_root_that_is_switched(tree, ramfs, wait):
    """The root may be a link, as for the responder."""
    for name in "one", "two":
        tree.add(f"once/{name}/once/{A}", Link("../os/boot"))
        tree.add(f"once/{name}/once/.served", Directory())
    tree.add("once/root", Link("one"))
    tree.add("once/new", Link("two"))
    one = wait("-r", tree.full("once/root"), A)
    os.rename(tree.full("once/new"), tree.full("once/root"))
    os.rename(tree.full(f"once/two/once/{A}"),
              tree.full(f"once/two/once/.served/{A}"))
    assert served().match(one.line())
    assert one.end()[0] == 0


def test_thousands(tree, wait):
    clients = [f"10.1.{n // 250}.{n % 250}" for n in range(4000)]
    tree.add("once/.served", Directory())
    for client in clients:
        os.symlink("../os/boot", tree.full(f"once/{client}"))
    one = wait("10.1.0.0-10.1.15.249")  # with 90 that are not armed
    for client in clients:
        os.rename(tree.full(f"once/{client}"),
                  tree.full(f"once/.served/{client}"))
    status, out, err = one.end()
    told = [line for line in out if ": served " in line]
    assert len(told) == 4000 and status == 1
    assert err[0] == "pxesrvctl: 90 of 4090 missing:" and len(err) == 91


# On a terminal

def test_the_progress_bar(tree, responder):
    r = responder()
    tree.arm(A, "../os/boot")
    tree.add(f"once/{B}", OldLink("../os/boot"))
    with Terminal(100, "wait", "--timeout", "2h", A, B) as one:
        one.shows(rf"\r\[-{{20}}\] 0/2, {B} waits for 60 min, "
                  r"\d+ (min|h) left\x1b\[K")
        # It goes on by itself, in place.
        drawn = one.shown.count("0/2")
        until(lambda: one.shown.count("0/2") > drawn, "a new one")
        ask(r, A)
        one.shows(rf"\r\[#{{10}}-{{10}}\] 1/2, {B} waits for 60 min, ")
        ask(r, B)
        assert one.end() == 0
    first, second, rest = one.screen()
    assert served(A).match(first) and served(B).match(second) and rest == ""
    assert f"{A}: \x1b[32mserved\x1b[0m" in one.shown


def test_the_progress_bar_on_a_narrow_terminal(tree):
    """It must not wrap, or each drawing would make a line."""
    tree.add("once/10.0.0.7", OldLink("../os/boot"))
    with Terminal(40, "wait", "10.0.0.7") as one:
        one.shows(r"\x1b\[K")
        bar = one.shown.partition("\x1b")[0]
        assert bar == "\r[--------------------] 0/1, 10.0.0.7 wa"
        assert len(bar) - 1 == 39
        one.type(b"\x03")
        assert one.end() == -signal.SIGINT
    assert one.screen()[-3:] == [
        "pxesrvctl: interrupted: 1 of 1 missing:",
        "pxesrvctl: 10.0.0.7: not served: armed for 60 min", ""]


def test_no_bar_in_json(tree):
    tree.arm(A, "../os/boot")
    with Terminal(80, "wait", "--json", "--timeout", "1s", A) as one:
        assert one.end() == 1
    assert json.loads(one.shown)["reason"] == "timeout"


# Files of clients

def test_a_file_for_each_command(tree, tmp_path):
    rack = tmp_path / "rack"
    rack.write_text("10.0.0.7 10.0.0.8\r\n# 10.0.0.1\n10.0.0.9")
    for command in "once", "static":
        done = ctl.good(command, "-f", rack, "10.0.0.10", "os/boot")
        assert done.lines == [f"{command}/10.0.0.{n} -> ../os/boot"
                              for n in (7, 8, 9, 10)]
    for command, lines in (("explain", None), ("cancel", 3), ("rearm", 3),
                           ("forget", 3)):
        done = ctl.good(command, "--file", rack)
        assert lines is None or len(done.lines) == lines
    assert "once/10.0.0.9" in ctl.good("explain", "-f", rack).out
    assert ctl.run("wait", "-f", rack, "--timeout", "0s").err.startswith(
        "pxesrvctl: the time is up: 3 of 3 missing:\n")


def test_a_file_that_is_standard_input(tree):
    done = ctl.good("once", "-f", "-", "os/boot", stdin="10.0.0.7\n")
    assert done.lines == ["once/10.0.0.7 -> ../os/boot"]


def test_lines_that_cannot_be_read(tree, tmp_path):
    rack = tmp_path / "rack"
    rack.write_bytes(b"10.0.0.7\n10.0\0\n" + b"x" * 70000 + b"\n10.0.0.8\n")
    done = ctl.run("once", "-f", rack, "os/boot")
    assert done.status == 1 and len(done.lines) == 2
    assert done.err.splitlines() == [
        f"pxesrvctl: {rack}, line 2: left out, since it has a NUL byte",
        f"pxesrvctl: {rack}, line 3: left out, since it is longer than "
        "65535 bytes"]


@pytest.mark.parametrize("command", [["once"], ["wait"]])
def test_a_file_that_cannot_be_read(tree, tmp_path, command):
    last = ["os/boot"] if command == ["once"] else []
    for path, why in ((tmp_path / "none", "No such file or directory"),
                      (tmp_path, "Is a directory")):
        done = ctl.run(*command, "-f", path, *last)
        assert (done.status, done.out, done.err) == (
            1, "", f"pxesrvctl: {path}: {why}\n")


def test_a_second_file(tree):
    """None is left out silently."""
    done = ctl.run("once", "-f", "a", "--file=b", "os/boot")
    assert (done.status, done.err) == (
        ctl.USAGE, "pxesrvctl: -f names one file only\n")
