# SPDX-License-Identifier: MIT
"""pxesrvctl list and check."""
import datetime
import os
import re
import subprocess
import time

import pytest

import checkout
import ctl
import place
from cases import MENU, OS
from tree import Directory, Fifo, Link, NewLink, OldLink, Unreadable

MANY = 100_000
TREE = {
    "default": MENU, "os/boot": OS, "once": Directory(), "static": Directory(),
    "once/10.0.0.10": Link("../os/boot"), "once/10.0.0.9": Link("../nowhere"),
    "once/2001:db8::7": Link("../os/boot"), "once/10.0.0.8": "a file",
    "once/node7": Link("../os/boot"), "once/README.md": "text",
    "static/10.0.0.7": "echo\n", "static/10.0.0.6": Link("/etc/hostname"),
    "once/.claimed/10.0.0.5.00112233aabbccdd": Link("../os/boot"),
    "once/.served/10.0.0.4": Link("../os/boot"),
    "once/.cancelled/10.0.0.3.33": Link("../os/gone"), "once/.lock": "",
}


def age(tree, name, seconds):
    then = time.time() - seconds
    os.utime(tree.full(name), (then, then), follow_symlinks=False)


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    age(tree, "once/.claimed/10.0.0.5.00112233aabbccdd", 7300)
    yield tree
    # What waits for claims to be settled must not wait for this one.
    tree.clear_directory("once/.claimed")


@pytest.fixture
def clean(tree):
    """Nothing for check to find."""
    for name in ("once/10.0.0.9", "once/10.0.0.8", "once/node7",
                 "static/10.0.0.7", "static/10.0.0.6",
                 "once/.claimed/10.0.0.5.00112233aabbccdd"):
        os.unlink(tree.full(name))
    yield tree
    for name in ("once", "once/.served", "once/.claimed"):
        if os.path.isdir(tree.full(name)):
            os.chmod(tree.full(name), 0o755)


def rows(*arguments):
    done = ctl.good("list", *arguments)
    return [tuple(line.split("\t")) for line in done.lines]


def test_a_table_for_programs(tree):
    got = rows()
    assert [(row[0], row[1], row[2], row[4], row[5]) for row in got] == [
        ("10.0.0.8", "armed", "-", "-", "not a link, so it is ignored"),
        ("10.0.0.9", "armed", "-", "../nowhere", "No such file or directory"),
        ("10.0.0.10", "armed", str(len(OS)), "../os/boot", "-"),
        ("2001:db8::7", "armed", str(len(OS)), "../os/boot", "-"),
        ("node7", "armed", str(len(OS)), "../os/boot", "-"),
        ("10.0.0.6", "static", "-", "/etc/hostname",
         "Outside the directories that files may come from"),
        ("10.0.0.7", "static", "5", "-", "-"),
        ("10.0.0.5", "unsure", "-", "../os/boot", "-"),
        ("10.0.0.4", "served", "-", "../os/boot", "-"),
        ("10.0.0.3", "cancelled", "-", "../os/gone", "-"),
    ]
    now = datetime.datetime.now(datetime.timezone.utc)
    then = datetime.datetime.fromisoformat(got[0][3].replace("Z", "+00:00"))
    assert abs(now - then) < datetime.timedelta(minutes=5)


@pytest.mark.parametrize("arguments, clients", [
    (["armed"], 5), (["static"], 2), (["unsure"], 1), (["served"], 2),
    (["broken"], 3), (["armed", "broken"], 2), (["static", "broken"], 1),
    (["armed", "static"], 7), (["served", "broken"], 0)])
def test_filters(tree, arguments, clients):
    assert len(rows(*arguments)) == clients
    assert sorted(rows(*arguments, "-U")) == sorted(rows(*arguments))


def test_objects(tree):
    got = {one["entry"]: one for one in ctl.good("list", "--json").objects()}
    assert len(got) == 10
    assert got["once/10.0.0.9"] == {
        "client": "10.0.0.9", "kind": "armed", "entry": "once/10.0.0.9",
        "target": "../nowhere", "size": None,
        "since": got["once/10.0.0.9"]["since"],
        "problem": "No such file or directory"}
    assert got["static/10.0.0.7"]["size"] == 5
    assert got["static/10.0.0.7"]["target"] is None
    cancelled = got["once/.cancelled/10.0.0.3.33"]
    assert (cancelled["kind"], cancelled["client"]) == ("cancelled", "10.0.0.3")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                        got["once/10.0.0.9"]["since"])


def test_names_that_are_no_text(tree):
    os.symlink(b"../os/\xff\x1b[31m\n", os.fsencode(
        tree.full("once/10.0.0.1")))
    with open(os.fsencode(tree.path) + b"/once/\xfe\t", "w"):
        pass
    [first, *_] = rows("armed")
    assert first[4] == r"../os/\xFF\x1B[31m\x0A"
    assert rows("armed")[-1][0] == r"\xFE\x09"
    found = ctl.good("list", "--json", "armed").objects()
    assert found[0]["target"] == r"../os/\xFF\x1B[31m\x0A"
    assert r"once/\xFE\x09" in ctl.run("check").out


def test_a_table_for_people(tree):
    text = ctl.on_a_terminal("list", NO_COLOR="1")
    lines = text.splitlines()
    assert "\033" not in text
    assert re.fullmatch(r"10\.0\.0\.10        armed +40 +\d+ s  os/boot",
                        lines[2].replace(str(len(OS)), "40"))
    assert lines[7].split() == [
        "10.0.0.5", "unsure", "-", "2", "h", "os/boot"]
    at = {line.index("os/") for line in lines if "os/" in line}
    assert len(at) == 1, "the columns are straight"


def test_colours(tree):
    assert "\033[31m" in ctl.on_a_terminal("list")
    assert "\033" not in ctl.good("list").out
    assert "\033" not in ctl.on_a_terminal("list", NO_COLOR="1")


# check

def problems(*arguments, **how):
    """By path: the problem, and the way to mend it."""
    done = ctl.run("check", "--json", *arguments, **how)
    assert done.err == ""
    found = {one["path"]: (one["problem"], one["advice"])
             for one in done.objects()}
    assert done.status == (ctl.FOUND if found else ctl.OK)
    return found


def test_check_finds_it_all(tree):
    found = problems()
    assert {path: problem for path, (problem, _) in found.items()} == {
        "once/10.0.0.9": "No such file or directory",
        "once/10.0.0.8": "not a link, so it is ignored",
        "once/node7":
            "its name is not an IP address, and no machine has this name, so "
            "no client ever gets it",
        "static/10.0.0.6":
            "Outside the directories that files may come from",
        "static/10.0.0.7":
            "a text that does not begin with #!ipxe and a newline: iPXE runs "
            "it as machine code, and hangs; only GRUB and PXELINUX read other "
            "texts",
        "once/.claimed/10.0.0.5.00112233aabbccdd":
            "left by a crash 2 h ago, most likely after it was served",
    }
    assert "../nowhere" in found["once/10.0.0.9"][1]
    text = ctl.run("check")
    assert text.status == ctl.FOUND
    assert len(text.lines) == 2 * len(found)


def test_nothing_to_find(clean):
    assert problems() == {}
    assert ctl.good("check").out == ""


def test_the_example_tree_is_in_order(tmp_path):
    checkout.copy_public(tmp_path / "public")
    subprocess.run(["chmod", "-R", "a+rX", tmp_path / "public"], check=True)
    for name in "once", "until":
        os.chown(tmp_path / "public" / name, *place.OWNER)
    assert problems("-r", str(tmp_path / "public")) == {}


@pytest.mark.parametrize("entries, path, problem", [
    ({"once/010.0.0.7": Link("../os/boot")}, "once/010.0.0.7", "not an IP address"),
    ({"static/2001:DB8::8": OS}, "static/2001:DB8::8", "not the canonical"),
    ({"static/host": OS}, "static/host", "not an IP address"),
    ({"static/10.0.0.1": Fifo()}, "static/10.0.0.1", "Not a regular file"),
    ({"static/10.0.0.1": Directory()}, "static/10.0.0.1", "Is a directory"),
    ({"static/10.0.0.1": Unreadable("x")}, "static/10.0.0.1",
     "Permission denied"),
    ({"static/10.0.0.1": ""}, "static/10.0.0.1", "it is empty"),
])
def test_check_finds(clean, entries, path, problem):
    clean.make(entries)
    found = problems("-u", str(place.OWNER[0]))
    assert list(found) == [path]
    assert problem in found[path][0]


@pytest.mark.parametrize("entries, path, problem", [
    ({"once/10.0.0.4": OldLink("../os/boot")}, "once/10.0.0.4",
     "older than the link that was served last"),
    # Of another target: it was armed before what was served.
    ({"once/10.0.0.4": OldLink("../default")}, "once/10.0.0.4",
     "older than the link that was served last"),
    ({"until/10.0.0.4": OldLink("../os/boot"),
      "until/.done/10.0.0.4": Link("../os/boot")}, "until/10.0.0.4",
     "not newer than the link that was done last"),
])
def test_check_finds_a_link_that_came_back(clean, entries, path, problem):
    clean.make(entries)
    found = problems()
    assert list(found) == [path]
    assert found[path][0].startswith(problem)
    os.unlink(clean.full(path))
    clean.make({path: Link("../os/boot")})
    assert problems() == {}


def test_check_finds_a_copy_of_what_was_done(clean):
    """The time of a link that is done is that of its arming."""
    clean.make({"until/.done/10.0.0.4": OldLink("../os/boot")})
    subprocess.run(["cp", "-a", clean.full("until/.done/10.0.0.4"),
                    clean.full("until/10.0.0.4")], check=True)
    assert list(problems()) == ["until/10.0.0.4"]


def test_a_served_link_of_a_time_to_come(clean):
    """Somebody has set the clock back: links are armed as ever."""
    os.unlink(clean.full("once/.served/10.0.0.4"))
    clean.make({"once/.served/10.0.0.4": NewLink("../os/boot"),
                "once/10.0.0.4": Link("../os/boot")})
    assert problems() == {}


def test_default(clean):
    os.unlink(clean.full("default"))
    assert list(problems()) == ["default"]
    clean.make({"default": Link("nowhere")})
    assert problems()["default"][0] == "No such file or directory"
    os.unlink(clean.full("default"))
    clean.make({"default": "menu\n"})
    assert "#!ipxe" in problems()["default"][0]


@pytest.mark.skipif(not place.AS_ROOT, reason="only root gives files away")
@pytest.mark.parametrize("path, owner, mode, problem", [
    ("once", 0, 0o755, "the responder can't use it"),
    ("once/.lock", 0, 0o644, "the responder can't use it"),
    ("once/.claimed", None, 0o600, "the responder can't use it"),
    ("once/.served", 0, 0o755, "the responder can't use it"),
    ("once/.served", None, 0o600, "the responder can't use it"),
    ("once", 0, 0o1775, "it is sticky and belongs to another user"),
    ("once", None, 0o777, "every user of this machine may arm"),
])
def test_check_of_once(clean, path, owner, mode, problem):
    if owner is not None:
        os.chown(clean.full(path), owner, place.OWNER[1]
                 if mode & 0o020 else 0)
    os.chmod(clean.full(path), mode)
    found = problems("-u", str(place.OWNER[0]))
    assert list(found) == [path] and found[path][0].startswith(problem)


@pytest.mark.parametrize("name, what, reason", [
    ("once/.lock", Directory(), "Is a directory"),
    ("once/.lock", Link("/dev/null"), "Too many levels of symbolic links"),
    ("once/.claimed", "a file", "Not a directory"),
    ("once/.served", "a file", "Not a directory"),
])
def test_check_of_what_lies_in_once(clean, name, what, reason):
    if name == "once/.served":
        clean.clear_directory(name)
    if name == "once/.lock":
        os.unlink(clean.full(name))
    else:
        os.rmdir(clean.full(name))
    clean.add(name, what)
    found = problems("-u", str(place.OWNER[0]))
    assert name in found and reason in found[name][0]
    os.unlink(clean.full(name)) if not isinstance(what, Directory) else \
        os.rmdir(clean.full(name))
    clean.add("once/.claimed" if "claimed" in name else "once/.lock",
              Directory() if "claimed" in name else "")


@pytest.mark.skipif(not place.AS_ROOT, reason="it is about root")
def test_check_of_a_once_that_is_roots(clean):
    os.chown(clean.full("once"), 0, 0)
    assert list(problems()) == ["once"]
    assert "users other than root can't use it" in problems()["once"][0]
    # A member of the group may be the responder.
    os.chmod(clean.full("once"), 0o775)
    assert list(problems()) == ["once"]
    assert "belongs to root" in problems()["once"][0]


def test_what_is_being_made_is_not_left(clean):
    clean.make({"once/.arm-0011": Link("../os/boot")})
    assert problems() == {}


# Many

def memory_of(process):
    """Bytes of memory, the most it has had so far."""
    with open(f"/proc/{process.pid}/status") as file:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(),
                             re.MULTILINE)[1]) * 1024


@pytest.mark.skipif(place.IS_SANITIZED, reason="they have memory of their own")
def test_the_memory_is_constant(clean):
    for number in range(20_000):
        os.symlink("../os/boot", clean.full(
            f"once/10.1.{number >> 8}.{number & 255}"))
    with subprocess.Popen(
            [place.CTL, "list", "-U", "armed"], stdout=subprocess.PIPE,
            env=place.clean_env(PXESRV_ROOT=place.ROOT)) as process:
        # It waits for its reader all the time, the last time behind these.
        process.stdout.readline()
        before = memory_of(process)
        for _ in range(15_000):
            process.stdout.readline()
        assert memory_of(process) - before < 64 << 10
        process.stdout.read()


def test_many(clean):
    """100,000 entries: all there, and in order. How fast is a figure."""
    clean.make({f"os/{n}": OS for n in range(100)})
    for number in range(MANY):
        os.symlink(f"../os/{number % 100}", clean.full(
            f"once/10.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"))
    taken = {}
    for arguments in (["list"], ["list", "-U"], ["list", "--json"], ["check"]):
        start = time.monotonic()
        done = ctl.good(*arguments, timeout=120)
        taken[" ".join(arguments)] = time.monotonic() - start
        wanted = 0 if arguments == ["check"] else MANY + 4
        assert len(done.lines) == wanted, arguments
    assert len({line.split("\t")[0] for line in
                ctl.good("list", "armed", timeout=120).lines}) == MANY + 2
    place.figure(f"pxesrvctl, {MANY:,} entries: " + ", ".join(
        f"{name} {seconds:.2f} s" for name, seconds in taken.items()))
