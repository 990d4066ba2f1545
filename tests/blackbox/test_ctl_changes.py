# SPDX-License-Identifier: MIT
"""pxesrvctl: what it says of what it has changed, again and again; --json, -n and
--missing-ok."""
import os
import stat
import time

import pytest

import ctl
import place
from cases import MENU, OS
from tree import Directory, Link, OldLink

CLIENT = "10.0.0.7"
TREE = {"default": MENU, "os/boot": OS, "os/other": OS + "#",
        **{name: Directory() for name in ("once", "static")}}
LATER = {name: Directory() for name in ("until", "names", "subnet")}

# Command, entry, its link, another command of the same kind and its link.
MAKERS = [
    (["once", CLIENT, "os/boot"], f"once/{CLIENT}", "../os/boot",
     ["once", CLIENT, "os/other"], "../os/other"),
    (["until", CLIENT, "os/boot"], f"until/{CLIENT}", "../os/boot",
     ["until", CLIENT, "os/other"], "../os/other"),
    (["static", CLIENT, "os/boot"], f"static/{CLIENT}", "../os/boot",
     ["static", CLIENT, "os/other"], "../os/other"),
    (["subnet", "10.0.0.0/24", "os/boot"], "subnet/10.0.0.0_24", "../os/boot",
     ["subnet", "10.0.0.0/24", "os/other"], "../os/other"),
    (["name", "node7", CLIENT], f"names/{CLIENT}", "node7",
     ["name", "--force", "node8", CLIENT], "node8"),
]
REMOVERS = [
    (["cancel", CLIENT], f"once/{CLIENT}", "../os/boot"),
    (["cancel", CLIENT], f"until/{CLIENT}", "../os/boot"),
    (["forget", CLIENT], f"static/{CLIENT}", "../os/boot"),
    (["subnet", "-d", "10.0.0.0/24"], "subnet/10.0.0.0_24", "../os/boot"),
    (["name", "-d", "node7", CLIENT], f"names/{CLIENT}", "node7"),
    (["name", "-d", "node7"], f"names/{CLIENT}", "node7"),
]
makers = pytest.mark.parametrize("command, entry, link, other, new", MAKERS,
                                 ids=[row[0][0] for row in MAKERS])
removers = pytest.mark.parametrize("command, entry, link", REMOVERS)


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    return tree


def change(entry, target, before, changed):
    return {"client": entry.split("/")[1], "entry": entry, "target": target,
            "before": before, "changed": changed}


def everything(tree):
    """All that is in the tree, and when it was made."""
    return {name: (st.st_ino, st.st_mtime_ns, st.st_mode,
                   stat.S_ISLNK(st.st_mode) and os.readlink(tree.full(name)))
            for name, st in tree.everything()}


@makers
def test_it_is_made_once(tree, command, entry, link, other, new):
    assert ctl.good(*command, "--json").objects() == [
        change(entry, link, None, True)]
    before = everything(tree)
    assert ctl.good(*command, "--json").objects() == [
        change(entry, link, link, False)]
    assert ctl.good(*command).out == f"{entry} -> {link} (unchanged)\n"
    after = everything(tree)
    if command[0] == "once":  # its age begins again
        assert after[entry][1] > before[entry][1]
        after[entry] = before[entry]
    assert after == before
    assert ctl.good(*other, "--json").objects() == [
        change(entry, new, link, True)]
    assert tree.link(entry) == new


@makers
def test_a_dry_run_makes_nothing(tree, command, entry, link, other, new):
    """Also where the directory is missing."""
    before = everything(tree)
    assert ctl.good(*command, "-n", "--json").objects() == [
        change(entry, link, None, True)]
    assert ctl.good(*command, "--dry-run").out == (
        f"{entry} -> {link} (dry run)\n")
    assert everything(tree) == before
    ctl.good(*command)
    before = everything(tree)
    assert ctl.good(*command, "-n").out == f"{entry} -> {link} (unchanged)\n"
    assert ctl.good(*other, "-n").out == (
        f"{entry} -> {new} (instead of {link}) (dry run)\n")
    assert ctl.good(*other, "-n", "--json").objects() == [
        change(entry, new, link, True)]
    assert everything(tree) == before


@removers
def test_it_is_removed_once(tree, command, entry, link):
    tree.make({**LATER, entry: Link(link)})
    assert ctl.good(*command, "--json").objects() == [
        change(entry, None, link, True)]
    assert tree.link(entry) is None
    again = ctl.run(*command, "--json")
    assert (again.status, again.out) == (ctl.FOUND, "") and again.err != ""
    # A name that nothing has is no entry.
    gone = entry if command != ["name", "-d", "node7"] else "node7"
    if entry.startswith("until"):
        gone = f"once/{CLIENT}"
    done = ctl.good(*command, "--missing-ok")
    assert done.out == f"{gone} (unchanged)\n"
    [said] = ctl.good(*command, "--missing-ok", "--json").objects()
    assert said == {"client": gone.split("/")[-1], "target": None,
                    "before": None, "changed": False,
                    "entry": gone if "/" in gone else None}


@removers
def test_a_dry_run_removes_nothing(tree, command, entry, link):
    # Without the directory there is nothing to remove.
    done = ctl.run(*command, "-n")
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert ctl.good(*command, "-n", "--missing-ok").out.endswith(
        " (unchanged)\n")
    assert not os.path.exists(tree.full("until"))
    tree.make({**LATER, entry: Link(link)})
    before = everything(tree)
    assert ctl.good(*command, "-n").out == f"{entry} -> {link} (dry run)\n"
    assert ctl.good(*command, "-n", "--json").objects() == [
        change(entry, None, link, True)]
    assert everything(tree) == before


def test_a_name_that_another_has_is_not_taken(tree):
    ctl.good("name", "node8", CLIENT)
    done = ctl.good("name", "-d", "--missing-ok", "node7", CLIENT)
    assert done.out == f"names/{CLIENT} (unchanged)\n"
    assert tree.link(f"names/{CLIENT}") == "node8"


def test_a_dry_run_fails_as_the_run_would(tree):
    tree.make({f"static/{CLIENT}": "mine", "static/10.0.0.8": Directory(),
               f"once/{CLIENT}": "mine"})
    before = everything(tree)
    for command in (["static", CLIENT, "os/boot"],
                    ["static", "--force", "10.0.0.8", "os/boot"],
                    ["once", CLIENT, "os/boot"], ["cancel", CLIENT],
                    ["forget", CLIENT],
                    ["once", CLIENT, "os/nothing"],
                    ["until", CLIENT, "os/nothing"],
                    ["subnet", "10.0.0.1/24", "os/boot"]):
        dry, real = ctl.run(*command, "-n"), ctl.run(*command)
        assert (dry.status, dry.out) == (ctl.FOUND, ""), command
        assert dry.err == real.err
    forced = ctl.good("static", "--force", CLIENT, "os/boot", "-n", "--json")
    assert forced.objects() == [
        change(f"static/{CLIENT}", "../os/boot", None, True)]
    after = everything(tree)
    # What the real ones make and take away, they make beside it.
    changed = {"once", "static"}
    assert {name: after[name] for name in before
            if name not in changed} == {name: before[name] for name in before
                                   if name not in changed}


def test_one_that_has_expired_is_made_again(tree):
    expires = {"PXESRV_ONCE_EXPIRES": "60"}
    entry = f"once/{CLIENT}"
    tree.make({entry: OldLink("../os/boot")})
    for option in "-n", "--json":
        done = ctl.good("once", CLIENT, "os/boot", "--json", option,
                        env=expires)
        assert done.objects() == [
            change(entry, "../os/boot", "../os/boot", True)]
    assert time.time() - os.lstat(tree.full(entry)).st_mtime < 60
    # Whoever does not know of the limit makes it new all the same.
    os.unlink(tree.full(entry))
    tree.make({entry: OldLink("../os/boot")})
    ctl.good("once", CLIENT, "os/boot")
    assert time.time() - os.lstat(tree.full(entry)).st_mtime < 60


@pytest.mark.skipif(not place.AS_ROOT, reason="only root makes other users")
@pytest.mark.parametrize("who", [
    {}, {"user": 4243, "group": 4240, "extra_groups": [4242]}],
    ids=["root", "another administrator"])
def test_it_stays_whose_it_was(tree, who):
    """Whoever has armed the machine can still cancel it, in a sticky once/, too."""
    entry = f"once/{CLIENT}"
    tree.make({entry: OldLink("../os/boot")})
    os.chown(tree.full("once"), place.OWNER[0], 4242)
    os.chmod(tree.full("once"), 0o3770)
    os.chown(tree.full(entry), 4241, 4242, follow_symlinks=False)
    assert ctl.good("once", CLIENT, "os/boot", **who).out.endswith(
        "(unchanged)\n")
    st = os.lstat(tree.full(entry))
    assert (st.st_uid, st.st_gid) == (4241, 4242)
    assert time.time() - st.st_mtime < 60


def test_each_client_has_its_object(tree):
    ctl.good("once", "10.0.0.8", "os/boot")
    ctl.good("once", "10.0.0.9", "os/other")
    done = ctl.run("once", "--json", "10.0.0.7-10.0.0.9", "host.invalid",
                   "os/boot")
    assert done.status == ctl.FOUND and "host.invalid" in done.err
    assert done.objects() == [
        change("once/10.0.0.7", "../os/boot", None, True),
        change("once/10.0.0.8", "../os/boot", "../os/boot", False),
        change("once/10.0.0.9", "../os/boot", "../os/other", True)]


def test_rearm(tree):
    ctl.good("once", CLIENT, "os/boot")
    ctl.good("cancel", CLIENT)
    want = [change(f"once/{CLIENT}", "../os/boot", None, True)]
    before = everything(tree)
    assert ctl.good("rearm", "-n", "--json", CLIENT).objects() == want
    assert everything(tree) == before
    assert ctl.good("rearm", "--json", CLIENT).objects() == want
    assert ctl.good("rearm", CLIENT).out == (
        f"once/{CLIENT} -> ../os/boot (unchanged)\n")


def test_a_machine_without_entries(tree, tmp_path):
    leases = tmp_path / "leases"
    leases.write_text("0 52:54:00:0a:0b:0c 10.0.0.7 * *\n")
    one = ["52:54:00:0a:0b:0c", f"--leases={leases}"]
    assert ctl.run("cancel", *one).status == ctl.FOUND
    assert ctl.good("cancel", "--missing-ok", *one).out == (
        "52:54:00:0a:0b:0c (unchanged)\n")


@pytest.mark.skipif(not place.AS_ROOT, reason="chown is for root")
def test_chown(tree):
    tree.make({**LATER, "once/.lock": ""})
    done = ctl.good("chown", "4567:4568", "--json")
    assert all(said["changed"] for said in done.objects())
    assert {said["path"] for said in done.objects()} == {
        "once", "once/.lock", "until", "static", "names"}
    again = ctl.good("chown", "4567:4568", "--json")
    assert again.objects() == [{**said, "changed": False}
                               for said in done.objects()]
    os.chmod(tree.full("once"), 0o755)
    [said] = [said for said in ctl.good(
        "chown", "4567:4568", "--json").objects() if said["changed"]]
    assert said == {"path": "once", "changed": True}
