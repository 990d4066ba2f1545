# SPDX-License-Identifier: MIT
"""pxesrvctl: machines with names, and entries in until/ and subnet/."""
import os
import subprocess

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import meta_variables
from tree import Directory, Link, OldLink

TREE = {"default": MENU, "os/boot": OS, "os/other": OS + "#",
        **{name: Directory()
           for name in ("once", "until", "static", "names", "subnet")}}
MAC, UUID = "00:00:5e:00:53:07", "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    return tree


def entries(tree, directory):
    """The links of a directory, by name."""
    return {name: os.readlink(tree.full(f"{directory}/{name}"))
            for name in sorted(os.listdir(tree.full(directory)))
            if not name.startswith(".")}


def ask(one, client, path="/redirect"):
    return answer.from_cgi(fastcgi.ask(
        one.path, meta_variables("GET", path, client)))


# name

@pytest.mark.parametrize("given, key", [
    ("10.0.0.7", "10.0.0.7"), ("2001:DB8:0::7", "2001:db8::7"),
    ("::ffff:10.0.0.7", "10.0.0.7"), (MAC.upper(), MAC),
    ("00-00-5e-00-53-07", MAC), ("0000.5e00.5307", MAC),
    ("00005E005307", MAC), (UUID.upper(), UUID)])
def test_an_identity_in_any_spelling(tree, given, key):
    done = ctl.good("name", "node7", given)
    assert done.lines == [f"names/{key} -> node7"]
    assert entries(tree, "names") == {key: "node7"}


def test_a_name_is_given_and_taken(tree):
    ctl.good("name", "node7", "10.0.0.7", "2001:db8::7", MAC)
    again = ctl.good("name", "node7", "10.0.0.7", "10.0.0.8")
    assert again.lines == ["names/10.0.0.7 -> node7 (unchanged)",
                           "names/10.0.0.8 -> node7"]
    done = ctl.run("name", "node8", "10.0.0.8", "10.0.0.9")
    assert (done.status, done.lines) == (1, ["names/10.0.0.9 -> node8"])
    assert "it is node7 already (--force" in done.err
    done = ctl.good("name", "node8", "10.0.0.8", "--force")
    assert done.lines == ["names/10.0.0.8 -> node8 (instead of node7)"]
    done = ctl.run("name", "-d", "node7", "10.0.0.8", MAC)
    assert (done.status, done.lines) == (1, [f"names/{MAC} -> node7"])
    assert "names/10.0.0.8: it is not node7" in done.err
    ctl.good("name", "-d", "node7")
    assert entries(tree, "names") == {"10.0.0.8": "node8", "10.0.0.9": "node8"}
    done = ctl.run("name", "-d", "node7")
    assert done.status == 1 and "nothing has this name" in done.err


@pytest.mark.parametrize("name", [
    "", ".", "..", ".node7", "a/b", "node 7", "n" * 65, "10.0.0.7",
    "2001:db8::7", "00-00-5e-00-53-07", UUID, "n\u00f6de"])
def test_a_name_that_is_none(tree, name):
    done = ctl.run("name", "--", name, "10.0.0.7")
    assert done.status == 1 and "not a name" in done.err
    assert entries(tree, "names") == {}


@pytest.mark.parametrize("identity", [
    "", "node8", "10.0.0", "10.0.0.7/24", "00:00:5e:00:53", UUID[:-1]])
def test_an_identity_that_is_none(tree, identity):
    done = ctl.run("name", "node7", identity)
    assert done.status == 1 and entries(tree, "names") == {}


def test_the_name_of_a_host(tree):
    """localhost is all that each machine of these tests knows."""
    done = ctl.good("name", "localhost")
    named = entries(tree, "names")
    assert named and set(named) <= {"127.0.0.1", "::1"}
    assert set(named.values()) == {"localhost"}
    assert len(done.lines) == len(named)
    ctl.good("once", "localhost", "os/boot")
    assert entries(tree, "once") == {"localhost": "../os/boot"}
    done = ctl.run("name", "nobody.invalid")
    assert done.status == 1 and "give its addresses" in done.err


def test_a_machine_with_a_name_has_one_link(tree, responder):
    one = responder()
    ctl.good("name", "node7", "10.0.0.7", "10.0.0.8", MAC)
    for who in ("10.0.0.7", "10.0.0.8", MAC, "node7"):
        ctl.good("once", who, "os/boot")
        assert entries(tree, "once") == {"node7": "../os/boot"}, who
        ctl.good("cancel", who)
        assert entries(tree, "once") == {}, who
        ctl.good("rearm", who)
        assert entries(tree, "once") == {"node7": "../os/boot"}, who
        ctl.good("cancel", who)
    ctl.good("static", "10.0.0.8", "os/other")
    assert entries(tree, "static") == {"node7": "../os/other"}
    ctl.good("once", "node7", "os/boot")
    assert [ask(one, client).body for client in ("10.0.0.8", "10.0.0.7")] == [
        OS.encode(), (OS + "#").encode()]
    ctl.good("forget", "10.0.0.7")
    assert entries(tree, "static") == {}


def test_an_entry_from_before_the_name(tree):
    """It is taken away by the address, by the name, or with the other one."""
    for who in ("10.0.0.7", "node7"):
        ctl.good("once", "10.0.0.7", "os/boot")
        assert "still counts" in ctl.run("name", "node7", "10.0.0.7").err
        ctl.good("once", "node7", "os/other")
        assert len(entries(tree, "once")) == 2
        ctl.good("cancel", who)
        assert entries(tree, "once") == {}
        ctl.good("name", "-d", "node7")


def test_a_mac_address_where_machines_say_theirs(tree):
    env = {"PXESRV_IDENTIFY": "mac"}
    ctl.good("once", MAC.upper(), "os/boot", env=env)
    assert entries(tree, "once") == {MAC: "../os/boot"}
    ctl.good("cancel", MAC)
    done = ctl.run("once", MAC, "os/boot")
    assert done.status == 1 and "PXESRV_IDENTIFY" in done.err
    ctl.good("once", UUID, "os/boot")
    assert entries(tree, "once") == {UUID: "../os/boot"}


AS_ROOT = pytest.mark.skipif(
    not place.AS_ROOT, reason="only root can look at the responder")
LOOKED_UP = "not in any lease"


@pytest.mark.parametrize("own, of_responder, key", [
    (None, "mac", MAC), (None, "uuid,mac", MAC), ("mac", "mac", MAC),
    ("", "mac", MAC), (None, "uuid", None), (None, None, None),
    ("uuid", "mac", None)])
def test_the_responder_says_whether_machines_say(tree, responder, own,
                                                 of_responder, key):
    """Unless the own environment does."""
    responder(**{"PXESRV_IDENTIFY": of_responder} if of_responder else {})
    done = ctl.run("once", MAC, "os/boot",
                   env={} if own is None else {"PXESRV_IDENTIFY": own})
    if key:
        assert (done.status, done.err) == (0, "")
        assert entries(tree, "once") == {MAC: "../os/boot"}
        ctl.good("cancel", MAC)
    assert entries(tree, "once") == {}
    assert (LOOKED_UP in done.err) == (key is None)


def test_a_responder_of_another_tree_says_nothing(tree, responder):
    responder(PXESRV_ROOT="/run/servers", PXESRV_IDENTIFY="mac")
    done = ctl.run("once", MAC, "os/boot")
    assert LOOKED_UP in done.err and "serves" in done.err
    assert entries(tree, "once") == {}


@pytest.mark.parametrize("who", [MAC, UUID])
def test_the_own_environment_is_believed(tree, responder, who):
    """The web server's file may say it to a responder that does not."""
    responder()
    ctl.good("once", who, "os/boot", env={"PXESRV_IDENTIFY": "mac,uuid"})
    assert entries(tree, "once") == {who: "../os/boot"}


@AS_ROOT
def test_a_responder_of_just_any_user_is_not_believed(tree, responder):
    """Else he could have root arm what nobody asks for."""
    os.chown(tree.full("once"), 0, place.OWNER[1])
    os.chmod(tree.full("once"), 0o775)
    one = responder(PXESRV_IDENTIFY="mac")
    done = ctl.run("once", MAC, "os/boot")
    assert LOOKED_UP in done.err and entries(tree, "once") == {}
    assert f"PXESRV_IDENTIFY of the responder (pid {one.pid}) has mac, but " \
        "was ignored" in done.err
    ctl.good("once", "-u", str(place.OWNER[0]), MAC, "os/boot")
    assert entries(tree, "once") == {MAC: "../os/boot"}
    ctl.good("cancel", "-u", str(place.OWNER[0]), MAC)
    # It is the user's own.
    ctl.good("once", MAC, "os/boot", **place.AS_USER)
    assert entries(tree, "once") == {MAC: "../os/boot"}


# until

def test_until_it_is_done(tree, responder):
    one = responder()
    ctl.good("name", "node7", "10.0.0.7")
    done = ctl.good("until", "10.0.0.7", "os/boot")
    assert done.lines == ["until/node7 -> ../os/boot"]
    assert [ask(one, "10.0.0.7").body for _ in range(2)] == [OS.encode()] * 2
    assert "until" in ctl.good("list", "until").out
    assert ask(one, "10.0.0.7", "/done").body == b"Done until/node7\n"
    assert ask(one, "10.0.0.7").body == MENU.encode()
    assert ctl.good("list", "until").out == ""
    assert "node7\tdone" in ctl.good("list", "done").out
    done = ctl.good("rearm", "10.0.0.7")
    assert done.lines == ["until/node7 -> ../os/boot"]
    ctl.good("until", "node7", "os/other")
    done = ctl.good("cancel", "node7")
    assert done.lines == ["until/node7 -> ../os/other"]
    assert entries(tree, "until") == {}
    done = ctl.run("cancel", "node7")
    assert done.status == 1 and "not armed" in done.err


def test_cancel_takes_both(tree, responder):
    responder()
    ctl.good("until", "10.0.0.7", "os/boot")
    ctl.good("once", "10.0.0.7", "os/boot")
    assert ctl.good("cancel", "10.0.0.7").lines == [
        "until/10.0.0.7 -> ../os/boot", "once/10.0.0.7 -> ../os/boot"]


@pytest.mark.parametrize("target", [
    "once/10.0.0.8", "until/10.0.0.8", "./once/10.0.0.8",
    "os/..//once/10.0.0.8", place.ROOT + "/./until/10.0.0.8",
    "once/.served/10.0.0.8"])
def test_a_link_that_goes_away_is_no_target(tree, target):
    for directory in "once", "until":
        tree.add(directory + "/10.0.0.8", Link("../os/boot"))
    done = ctl.run("until", "10.0.0.7", target)
    assert done.status == 1 and "cannot be a target" in done.err


# subnet

def test_a_subnet(tree, responder):
    one = responder()
    done = ctl.good("subnet", "10.0.7.0/24", "2001:db8:7::/64", "os/boot")
    assert done.lines == ["subnet/10.0.7.0_24 -> ../os/boot",
                          "subnet/2001:db8:7::_64 -> ../os/boot"]
    assert ask(one, "10.0.7.9").body == OS.encode()
    assert ask(one, "10.0.8.9").body == MENU.encode()
    ctl.good("subnet", "10.0.7.0_24", "os/other")
    assert ask(one, "10.0.7.9").body == (OS + "#").encode()
    assert "10.0.7.0_24\tsubnet" in ctl.good("list", "subnet").out
    ctl.good("subnet", "-d", "10.0.7.0/24")
    assert ask(one, "10.0.7.9").body == MENU.encode()
    done = ctl.run("subnet", "-d", "10.0.7.0/24")
    assert done.status == 1 and "there is none" in done.err


@pytest.mark.parametrize("text, why", [
    ("10.0.7.1/24", "the subnet is 10.0.7.0_24"),
    ("10.0.7.0/33", "a length must be"), ("2001:db8::/63", "multiple of 4"),
    ("2001:db8::1/64", "the subnet is 2001:db8::_64"),
    ("10.0.7.0", "not a subnet"), ("10.0.7.0/", "not a subnet"),
    ("rack/24", "not a subnet"), ("10.0.7.0/-1", "not a subnet"),
    ("10.0.7.0/24/24", "not a subnet"), ("", "not a subnet")])
def test_a_subnet_that_is_none(tree, text, why):
    done = ctl.run("subnet", text, "os/boot")
    assert done.status == 1 and why in done.err, done.err
    assert entries(tree, "subnet") == {}


# list and check

def found(**env):
    done = ctl.run("check", "--json", env=env)
    return {one["path"]: (one["problem"], one["advice"])
            for one in done.objects()}


def test_a_good_tree_of_all_kinds(tree, responder):
    responder()
    ctl.good("name", "node7", "10.0.0.7", MAC)
    ctl.good("once", "node7", "os/boot")
    ctl.good("until", "node7", "os/boot")
    ctl.good("static", "10.0.0.9", "os/boot")
    ctl.good("subnet", "10.0.7.0/24", "os/boot")
    ctl.good("subnet", "10.0.0.0/8", "os/other")
    assert found() == {}


@pytest.mark.parametrize("name, what, problem", [
    ("names/10.0.0.07", Link("node7"), "not called by an IP"),
    ("names/00:00:5E:00:53:07", Link("node7"), "not the canonical form"),
    ("names/10.0.0.7", Link("a/b"), "not a link to a machine's name"),
    ("names/10.0.0.7", "node7", "not a link to a machine's name"),
    ("once/node7", Link("../os/boot"), "no machine has this name"),
    ("until/nobody,", Link("../os/boot"), "neither an address nor"),
    ("static/00-00-5e-00-53-07", Link("../os/boot"), "not the canonical form"),
    ("until/10.0.0.9", Link("../os/nothing"), "No such file"),
    ("until/10.0.0.9", "file", "not a link"),
    ("subnet/10.0.7.1_24", Link("../os/boot"), "not the canonical form"),
    ("subnet/10.0.7.0_024", Link("../os/boot"), "not the canonical form"),
    ("subnet/10.0.7.0_33", Link("../os/boot"), "no subnet"),
    ("subnet/2001:db8::_63", Link("../os/boot"), "no subnet"),
    ("subnet/10.0.7.0_24", Link("../os/nothing"), "No such file"),
])
def test_check_finds(tree, name, what, problem):
    tree.add(name, what)
    assert problem in found()[name][0]


def test_check_finds_an_address_of_a_machine_with_a_name(tree):
    tree.make({"names/10.0.0.7": Link("node7"),
               "static/10.0.0.7": Link("../os/boot")})
    problem, advice = found()["static/10.0.0.7"]
    assert "one of its addresses alone" in problem and "node7" in advice


def test_many_names(tree):
    """What a name costs does not depend on how many there are."""
    names = [f"node{number}" for number in range(20_000)]
    for number, name in enumerate(names):
        os.symlink(name, tree.full(
            f"names/10.0.{number >> 8}.{number & 255}"))
        os.symlink("../os/boot", tree.full(f"static/{name}"))
    tree.add("static/node", Link("../os/boot"))
    done = ctl.run("check", "--json", timeout=60)
    assert [one["path"] for one in done.objects()
            if one["path"].startswith("static/")] == ["static/node"]
    done = ctl.good("static", "-", "os/other", stdin="\n".join(names),
                    timeout=60)
    assert len(done.lines) == len(names)


def test_a_name_that_comes_while_names_are_read(tree):
    ctl.good("name", "node7", "10.0.0.7")
    with subprocess.Popen(
            [place.CTL, "static", "-", "os/boot"], stdin=subprocess.PIPE,
            text=True, env=place.clean_env(PXESRV_ROOT=place.ROOT)) as process:
        process.stdin.write("node7\n")
        process.stdin.flush()
        place.until(lambda: entries(tree, "static"), "the first one")
        ctl.good("name", "node8", "10.0.0.8")
        process.communicate("node8\n", place.PATIENCE)
    assert process.returncode == 0
    assert list(entries(tree, "static")) == ["node7", "node8"]


def test_check_finds_a_subnet_that_changes_nothing(tree):
    tree.make({"subnet/10.0.7.0_24": Link("../os/boot"),
               "subnet/10.0.0.0_16": Link("../os/boot"),
               "subnet/10.0.0.0_8": Link("../os/other")})
    assert list(found()) == ["subnet/10.0.7.0_24"]


def test_an_expired_link(tree):
    tree.make({"once/10.0.0.7": OldLink("../os/boot"),
               "once/10.0.0.8": Link("../os/boot")})
    assert "once/10.0.0.7" not in found()
    env = {"PXESRV_ONCE_EXPIRES": "1800"}
    problem, advice = found(**env)["once/10.0.0.7"]
    assert "expired" in problem and "arm the machine again" in advice
    said = {one["client"]: one["problem"] for one in
            ctl.good("list", "--json", "armed", env=env).objects()}
    assert said == {"10.0.0.7": "expired, so it is ignored", "10.0.0.8": None}
    # Arming again makes it new.
    ctl.run("once", "10.0.0.7", "os/boot", env=env)
    assert "once/10.0.0.7" not in found(**env)


# Trees from before these directories

@pytest.mark.parametrize("arguments, name", [
    (["name", "node7", "10.0.0.7"], "names"),
    (["until", "10.0.0.7", "os/boot"], "until"),
    (["subnet", "10.0.7.0/24", "os/boot"], "subnet")])
def test_a_missing_directory_is_made(tree, arguments, name):
    """For the same people as once/ or static/, whichever is like it."""
    os.rmdir(tree.full(name))
    os.chmod(tree.full("once"), 0o3770)
    os.chmod(tree.full("static"), 0o2775)
    ctl.good(*arguments)
    assert len(entries(tree, name)) == 1
    made, like = (os.stat(tree.full(one)) for one in (
        name, "once" if name == "until" else "static"))
    assert (made.st_mode, made.st_uid, made.st_gid) == (
        like.st_mode, like.st_uid, like.st_gid)


def test_an_entry_that_still_counts_is_told(tree):
    tree.make({"once/10.0.0.7": Link("../os/boot")})
    done = ctl.run("name", "node7", "10.0.0.7", "10.0.0.8")
    assert done.status == 0
    assert "warning: once/10.0.0.7 still counts" in done.err
    assert "10.0.0.8" not in done.err
