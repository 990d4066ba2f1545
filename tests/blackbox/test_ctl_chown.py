# SPDX-License-Identifier: MIT
"""pxesrvctl chown. What others can do meanwhile: test_root_commands.py."""
import fcntl
import os
import subprocess

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import meta_variables
from place import until
from tree import Directory, Fifo, Link

pytestmark = pytest.mark.skipif(not place.AS_ROOT, reason="it is for root")

OLD, NEW, GROUP = 4566, 4567, 4568
CLIENT = "127.0.0.7"
TREE = {
    "default": MENU, "os/boot": OS, "static/10.0.0.9": Link("../os/boot"),
    "once/127.0.0.7": Link("../os/boot"), "once/.lock": "",
    "once/.claimed/10.0.0.8.0": Link("../os/boot"),
    "once/.served/10.0.0.9": Link("../os/boot"), "once/note": "not ours",
    "once/more": Directory(), "grub/12/grub.cfg-0A000007": "",
    "until/10.0.0.9": Link("../os/boot"),
    "until/.done/10.0.0.9": Link("../os/boot"), "names/10.0.0.9": Link("node9"),
    "grub/13/sub": Directory(), "grub/grub.0": "", "grub/latest": Link("13"),
}
GIVEN = {"once", "once/.claimed", "once/.served", "once/.lock", "until",
         "until/.done", "grub/12", "grub/13"}


@pytest.fixture
def tree(tree):
    tree.owner = (OLD, OLD)
    tree.make(TREE)
    yield tree
    tree.clear()  # no claim of it ever ends
    tree.owner = place.OWNER


def owners(tree):
    """Of all that is in the tree: owner, group and mode."""
    return {name: (st.st_uid, st.st_gid, st.st_mode & 0o7777)
            for name, st in tree.everything()}


def test_a_user(tree):
    want = {name: (NEW if name in GIVEN else user, group, mode)
            for name, (user, group, mode) in owners(tree).items()}
    done = ctl.good("chown", str(NEW))
    assert owners(tree) == want
    assert sorted(done.lines) == sorted(
        ["once/.lock: created again"] +
        [f"{name}: owner {NEW}:{OLD}, was {OLD}:{OLD}"
         for name in GIVEN - {"once/.lock"}])


def test_what_is_right_is_unchanged(tree):
    ctl.good("chown", f"{NEW}:{GROUP}")
    before = owners(tree), os.stat(tree.full("once/.lock")).st_ino
    for owner in f"{NEW}:{GROUP}", str(NEW):
        assert {line.split(": ")[1] for line in ctl.good(
            "chown", owner).lines} == {"unchanged"}
    assert before == (owners(tree), os.stat(tree.full("once/.lock")).st_ino)


def test_a_group(tree):
    ctl.good("chown", f"{NEW}:{GROUP}")
    after = owners(tree)
    assert after["once"] == (NEW, GROUP, 0o3770)
    assert after["once/.lock"] == (NEW, GROUP, 0o660)
    assert after["until"] == after["until/.done"] == (NEW, GROUP, 0o3770)
    assert after["static"] == after["names"] == (OLD, GROUP, 0o2775)
    for name in ("once/.claimed", "once/.served"):
        assert after[name] == (NEW, GROUP, 0o750)
    for name in ("grub/12", "grub/13"):
        assert after[name] == (NEW, GROUP, 0o2775)
    for name in set(after) - GIVEN - {"static", "names"}:
        assert after[name][:2] == (OLD, OLD), name


@pytest.mark.parametrize("who, want", [
    ("www-data", (33, 0)), ("33", (33, 0)), ("www-data:www-data", (33, 33)),
    ("0:adm", (0, 4)), ("4294967294", (4294967294, 0))])
def test_who(tree, who, want):
    tree.clear()
    assert ctl.good("chown", who).lines[0] == "once: made"
    st = os.stat(tree.full("once"))
    assert (st.st_uid, st.st_gid) == want
    for name in ("static", "names"):
        assert os.path.exists(tree.full(name)) == (":" in who)


@pytest.mark.parametrize("who", [
    "", "nobody-of-that-name", "-1", "4294967295", "33:", ":33", "33:no-group",
    "33:4294967295", "33:33:33", "33.33", "x" * 300])
def test_who_is_nobody(tree, who):
    before = owners(tree)
    done = ctl.run("chown", "--", who)
    assert done.status == ctl.USAGE and "no such" in done.err
    assert owners(tree) == before


@pytest.mark.parametrize("arguments", [[], ["33", "33"], ["-u", "33", "33"]])
def test_the_command_line(tree, arguments):
    assert ctl.run("chown", *arguments).status == ctl.USAGE


def test_who_is_not_root(tree):
    before = owners(tree)
    done = ctl.run("chown", str(NEW), **place.AS_USER)
    assert done.status == ctl.FOUND
    assert "once: left alone: Operation not permitted" in done.err
    assert owners(tree) == before


def put(tree, name, what):
    path = tree.full(name)
    if os.path.isdir(path) and not os.path.islink(path):
        subprocess.run(["rm", "-r", path], check=True)
    elif os.path.lexists(path):
        os.unlink(path)
    if what is not None:
        tree.add(name, what)


@pytest.mark.parametrize("name, what, why", [
    ("once/.claimed", "", "Not a directory"),
    ("once/.served", Link("more"), "Not a directory"),
    ("once/.lock", Link("note"), "Not a regular file"),
    ("once/.lock", Fifo(), "Not a regular file"),
    ("once/.lock", Directory(), "Not a regular file"),
])
def test_what_is_left(tree, name, what, why):
    put(tree, name, what)
    before = owners(tree)
    done = ctl.run("chown", str(NEW))
    assert done.status == ctl.FOUND
    assert done.err == f"pxesrvctl: {name}: left alone: {why}\n"
    after = owners(tree)
    assert {one for one in after if after[one][0] == NEW} == GIVEN - {name}
    assert after[name] == before[name]


@pytest.mark.parametrize("name", ["once", "static", "grub"])
@pytest.mark.parametrize("target", ["os", "/etc", "nowhere"])
def test_a_link_of_others_is_not_followed(tree, name, target):
    put(tree, name, Link(target))
    before = os.stat("/etc"), owners(tree)["os"]
    done = ctl.run("chown", f"{NEW}:{GROUP}")
    assert done.status == ctl.FOUND
    assert f"/{name}: root does not follow this link" in done.err
    assert (os.stat("/etc"), owners(tree)["os"]) == before
    assert tree.link(name) == target


@pytest.mark.parametrize("name", ["once", "static", "grub"])
def test_a_link_of_root_is_followed(tree, name):
    os.rename(tree.full(name), tree.full("os/elsewhere"))
    os.symlink("os/elsewhere", tree.full(name))
    ctl.good("chown", f"{NEW}:{GROUP}")
    given = {one.replace(name, "os/elsewhere", 1) if one.split("/")[0] == name
             else one for one in GIVEN}
    after = owners(tree)
    assert {one for one in after if after[one][0] == NEW} == given
    assert after["os/elsewhere"][1] == (OLD if name == "grub" else GROUP)
    assert after[name][0] == 0


@pytest.mark.parametrize("name", ["once", "static", "grub"])
def test_what_is_no_directory(tree, name):
    put(tree, name, "")
    done = ctl.run("chown", f"{NEW}:{GROUP}")
    assert done.status == ctl.FOUND
    assert f"/{name}: Not a directory" in done.err
    assert owners(tree)[name][0] == OLD


def test_other_names_of_a_lock_file_keep_their_owner(tree):
    os.link(tree.full("once/.lock"), tree.full("menu"))
    ctl.good("chown", str(NEW))
    assert owners(tree)["menu"][0] == OLD
    assert not os.path.samefile(tree.full("menu"), tree.full("once/.lock"))


def test_a_lock_that_is_held(tree):
    with open(tree.full("once/.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = ctl.run("chown", str(NEW))
        assert done.status == ctl.FOUND
        assert done.err.startswith("pxesrvctl: once/.lock: left alone: ")
        assert os.path.samestat(os.fstat(lock.fileno()),
                                os.stat(tree.full("once/.lock")))
    assert [line for line in ctl.good("chown", str(NEW)).lines
            if not line.endswith(": unchanged")] == [
        "once/.lock: created again"]


def take_back(tree):
    """As it was made, in the hands of the former owner."""
    for name, (_, _, mode) in owners(tree).items():
        os.lchown(tree.full(name), OLD, OLD)
        if not os.path.islink(tree.full(name)):
            os.chmod(tree.full(name), mode)
    put(tree, "once/.lock", "")
    for name in ("once", "static", "grub/12", "grub/13"):
        os.chmod(tree.full(name), 0o755)


@pytest.mark.parametrize("fault, ends", [
    ("signal=KILL", {-9}), ("error=EIO", {0, 1, 71})])
def test_what_was_not_done_is_done_by_the_next_one(
        tree, tmp_path, fault, ends):
    command = ["chown", f"{NEW}:{GROUP}"]
    calls = list(ctl.calls_of(command, str(tmp_path / "calls")))
    want = owners(tree)
    assert {("fchown", 7), ("fchmod", 4), ("flock", 1)} <= set(calls)
    failed = 0
    # From the first one for the tree: what loads it has names looked up.
    for name, number in calls[calls.index(("mkdirat", 1)):]:
        take_back(tree)
        before = owners(tree)
        done = ctl.under_strace(
            "-o", "/dev/null", "-e", f"trace={name}", "-e",
            f"inject={name}:{fault}:when={number}", command=command)
        # The first time it had more to do.
        assert done.returncode in ends | {0}, (name, number)
        failed += done.returncode != 0
        assert done.returncode == 0 or fault == "signal=KILL" or done.stderr
        if name in ("fchown", "fchmod") and fault == "error=EIO":
            assert b"left alone: Input/output error" in done.stderr
        after = owners(tree)
        for path in set(before) - GIVEN - {"static", "names"}:
            assert after[path] == before[path], (name, number)
        # Without the mode of once/, the lock is for its owner alone.
        if after.get("once/.lock") == (NEW, GROUP, 0o600):
            after["once/.lock"] = want["once/.lock"]
        assert done.returncode or after == want, (name, number)
        ctl.good(*command)
        now = owners(tree)
        # Where there is none, the responder makes it.
        now.setdefault("once/.lock", want["once/.lock"])
        assert now == want, (name, number)
    assert failed > 20


def ask(one):
    return answer.from_cgi(fastcgi.ask(
        one.path, meta_variables("GET", "/redirect", CLIENT)))


def test_a_responder_that_runs_already(tree, responder):
    """It claims what it could not before."""
    one = responder()
    assert ask(one).status == 503
    ctl.good("chown", str(place.OWNER[0]))
    assert ask(one).body.decode() == OS
    assert ask(one).body.decode() == MENU
    until(lambda: tree.link(f"once/.served/{CLIENT}") == "../os/boot",
          "it is settled")


def test_in_a_user_namespace(tree):
    """As podman unshare, whose root may give to the users of its own range."""
    base = 100000
    with subprocess.Popen(["unshare", "--user", "sh", "-c", "echo; exec cat"],
                          text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as one:
        if not one.stdout.readline():
            pytest.skip("user namespaces are refused, as in a chroot")
        for directory, names, files in os.walk(tree.path):
            for name in names + files:
                os.lchown(os.path.join(directory, name), base, base)
        os.chown(tree.path, base, base)
        for kind in "uid", "gid":
            with open(f"/proc/{one.pid}/{kind}_map", "w") as file:
                file.write(f"0 {base} 65536")
        done = subprocess.run(
            ["nsenter", "--user", "-t", str(one.pid), "-S", "0", "-G", "0",
             place.CTL, "chown", f"{NEW}:{GROUP}"], text=True,
            capture_output=True, env=place.clean_env(PXESRV_ROOT=place.ROOT))
        one.stdin.close()
    os.chown(tree.path, *place.OWNER)
    assert (done.returncode, done.stderr) == (0, "")
    after = owners(tree)
    for name in GIVEN:
        assert after[name][:2] == (base + NEW, base + GROUP), name
    for name in set(after) - GIVEN - {"static", "names"}:
        assert after[name][:2] == (base, base), name
