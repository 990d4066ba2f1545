# SPDX-License-Identifier: MIT
"""explain, once and check know beforehand that a link will get 503.

Never the other way round: what they call a 503 is one. Each combination is put
to a real program that runs as an unprivileged user, and to pxesrvctl as run by
root, by that user and by an administrator.
"""
import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import struct
import subprocess

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import Cgi, meta_variables
from place import Program, until
from responder import accepts
from tree import Directory, Link

pytestmark = pytest.mark.skipif(
    not place.AS_ROOT, reason="only root can be several users")

CLIENT, OTHER = "127.0.0.7", "127.0.0.8"
USER, GROUP = place.OWNER
ADMINS, ALICE = 4300, 4301
AS_ALICE = dict(user=ALICE, group=ALICE, extra_groups=[GROUP])
LINK = f"once/{CLIENT}"

deep = pytest.mark.deep
OWNERS = {"responder": USER, "root": 0, "alice": ALICE}
FEW_OWNERS = ["root", pytest.param("responder", marks=deep),
              pytest.param("alice", marks=deep)]
MODES = [0o755, 0o775, 0o777, 0o555, 0o700, 0o3770, 0o1777]
# What is there of the responder's own: whose it is, and its mode.
PARTS = [(name, owner, mode) for name in (".lock", ".claimed")
         for owner in OWNERS for mode in (0o755, 0o775, 0o700)] + [None]


@pytest.fixture
def tree(tree):
    tree.make({"default": MENU, "os/boot": OS, "once": Directory()})
    yield tree
    until(lambda: not tree.claimed(), "no claim is left")
    os.chown(tree.full("once"), *place.OWNER)
    os.chmod(tree.full("once"), 0o755)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def set_up(tree, once, link, part, acl=None):
    """once/ stays the same directory, since a sandbox knows that one."""
    directory = tree.full("once")
    for name in os.listdir(directory):
        remove(f"{directory}/{name}")
    with contextlib.suppress(OSError):
        os.removexattr(directory, "system.posix_acl_access")
    if part:
        name, owner, mode = part
        path = f"{directory}/{name}"
        os.close(os.open(path, os.O_CREAT)) if name == ".lock" else \
            os.mkdir(path)
        os.chown(path, OWNERS[owner], GROUP)
        os.chmod(path, mode & ~0o111 if name == ".lock" else mode)
    os.symlink("../os/boot", tree.full(LINK))
    os.chown(tree.full(LINK), OWNERS[link], GROUP, follow_symlinks=False)
    owner, mode = once
    os.chown(directory, OWNERS[owner], GROUP)
    os.chmod(directory, mode)
    if acl:
        os.setxattr(directory, "system.posix_acl_access", acl)


def explain(*arguments, **how):
    done = ctl.run("explain", "--json", *arguments, CLIENT, **how)
    assert done.err == "", done.err
    [said] = done.objects()
    assert done.status == (ctl.OK if said["status"] == 200 else ctl.FOUND)
    return said


def combinations(owner):
    return itertools.product([(owner, mode) for mode in MODES], OWNERS, PARTS)


def is_only_the_owner(once):
    """Whether nobody but the owner of once/ can be the responder."""
    owner, mode = once
    return owner != "root" and (mode & 0o1000 or not mode & 0o022)


@pytest.mark.parametrize("owner", FEW_OWNERS)
def test_what_the_cgi_program_answers(tree, owner):
    """Nobody sees it run, so whose it is has to be known, or said by -u."""
    program, seen = Cgi("/run/servers"), set()
    for once, link, part in combinations(owner):
        # Where once/ is sticky, the responder must own it, not some links.
        if owner == "alice" and link == "responder" and once[1] & 0o1000:
            continue
        set_up(tree, once, link, part)
        said = {
            "root": explain(),
            "root for it": explain("-u", str(USER)),
            "itself": explain("-u", str(USER), **place.AS_USER),
            "itself alone": explain(**place.AS_USER),
            "an administrator": explain(**AS_ALICE),
        }
        got = program.ask(client=CLIENT)
        seen.add(got.status)
        what = (once, link, part, got.status,
                {who: (one["status"], one["forecast"])
                 for who, one in said.items()})
        for who in ("root for it", "itself"):
            assert said[who]["status"] == got.status, what
            if got.status == 503:
                assert got.body.decode() == said[who]["error"] + "\n"
        if is_only_the_owner(once):
            if owner == "responder":
                assert said["root"]["status"] == got.status, what
                assert said["itself alone"]["status"] == got.status, what
            else:
                assert got.status != 200, what
        for who, one in said.items():
            # alice may run a responder of her own where once/ is hers.
            if is_only_the_owner(once) and owner == "alice":
                continue
            # Where nobody else may look into once/ it is a 403.
            assert one["status"] != 503 or got.status in (403, 503), (
                who, what)
    assert seen >= {503}


@pytest.mark.parametrize("owner", FEW_OWNERS)
@pytest.mark.parametrize("groups", [[], pytest.param([ADMINS], marks=deep)])
def test_what_a_responder_answers_that_is_seen(responder, tree, owner, groups):
    """Then nothing has to be guessed, and its groups count."""
    one = responder(extra_groups=groups)
    for once, link, part in combinations(owner):
        set_up(tree, once, link, part)
        if once[1] == 0o775:
            os.chown(tree.full("once"), -1, ADMINS)
        said = explain()
        own = explain(**{**place.AS_USER, "extra_groups": groups})
        got = ask(one)
        what = (once, link, part, got.status, said, own)
        if "if it is sandboxed" in (said["forecast"] or ""):
            assert part[0] == ".claimed" and said["status"] == 200
            assert own["forecast"] == said["forecast"]
            continue
        assert said["status"] == own["status"] == got.status, what
        if got.status == 503:
            assert got.body.decode() == said["error"] + "\n", what
        until(lambda: not tree.claimed(), "it is settled")


def ask(one, client=CLIENT):
    return answer.from_cgi(fastcgi.ask(
        one.path, meta_variables("GET", "/redirect", client)))


def acl_of(**users):
    """An access control list: rwx for these and the owner, r-x for others."""
    entries = [(1, 7, -1), *((2, bits, OWNERS[name])
                             for name, bits in users.items()),
               (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHi", *entry) for entry in entries)


@pytest.mark.parametrize("name, status", [("responder", 200), ("alice", 503)])
def test_an_access_control_list(tree, name, status):
    try:
        set_up(tree, ("root", 0o755), "root", None, acl_of(**{name: 7}))
    except OSError as error:
        pytest.skip(f"no access control lists here: {error}")
    assert explain()["status"] == 200  # it can't be known
    assert explain("-u", str(USER))["status"] == status
    assert Cgi("/run/servers").ask(client=CLIENT).status == status


# once

FAILS = ("pxesrvctl: warning: once/127.0.0.7 is armed, but once: users other "
         "than root can't use it, so links are answered with 503: Permission "
         "denied; give it to the responder's user: pxesrvctl chown USER\n")


def test_once_says_that_the_link_will_fail(tree):
    os.chown(tree.full("once"), 0, 0)
    done = ctl.run("once", CLIENT, OTHER, "os/boot")
    assert (done.status, done.err) == (ctl.FOUND, FAILS)
    assert done.lines == [f"once/{client} -> ../os/boot"
                          for client in (CLIENT, OTHER)]
    assert tree.link(LINK) == tree.link(f"once/{OTHER}") == "../os/boot"
    os.unlink(tree.full(LINK))
    tree.make({f"once/.served/{CLIENT}": Link("../os/boot")})
    done = ctl.run("rearm", CLIENT)
    assert (done.status, done.err) == (ctl.FOUND, FAILS)
    # What is served each time moves nothing.
    tree.make({"static": Directory()})
    ctl.good("static", CLIENT, "os/boot")
    [found, *_] = ctl.run("check", "--json").objects()
    assert found["path"] == "once"
    assert f"{found['path']}: {found['problem']}; {found['advice']}\n" in FAILS
    assert FAILS.split(" but ")[1].strip() in ctl.run("explain", CLIENT).out
    ctl.good("chown", str(USER))
    ctl.good("rearm", CLIENT)
    ctl.good("explain", CLIENT)


def test_who_is_to_own_it_is_named(tree):
    os.chown(tree.full("once"), ALICE, 0)
    done = ctl.run("once", "-u", "www-data", CLIENT, "os/boot")
    assert done.status == ctl.FOUND
    assert "(user www-data)" in done.err
    assert done.err.endswith(": pxesrvctl chown www-data\n")
    done = ctl.run("once", "-u", "4399", CLIENT, "os/boot")
    assert done.err.endswith(": pxesrvctl chown 4399\n")


def test_a_sticky_directory_of_root(tree):
    """A copy by root keeps the mode and loses the owner."""
    os.chown(tree.full("once"), 0, GROUP)
    os.chmod(tree.full("once"), 0o3770)
    done = ctl.run("once", CLIENT, "os/boot")
    assert done.status == ctl.FOUND
    assert "the responder owns neither it nor the link" in done.err
    # alice might run a responder herself.
    done = ctl.run("once", OTHER, "os/boot", **AS_ALICE)
    assert done.status == ctl.OK
    assert f"503 unless the responder runs as user {ALICE}; " in done.err
    said = ctl.run("explain", OTHER)
    assert said.status == ctl.OK
    assert "  but: once: it is sticky and belongs to root" in said.out
    for who in ({}, AS_ALICE):
        assert "once: it is sticky and belongs to another user" in \
            ctl.run("check", **who).out


def test_somebody_holds_the_lock(tree):
    tree.make({LINK: Link("../os/boot"), "once/.lock": ""})
    holder = subprocess.Popen(
        ["flock", tree.full("once/.lock"), "sh", "-c", "echo; exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        held = f"once/.lock: held by pid {holder.pid} (flock), so links are " \
            "answered with 503: Resource temporarily unavailable; end that " \
            "process, or what it waits for\n"
        done = ctl.run("explain", CLIENT)
        assert done.status == ctl.FOUND
        assert done.lines[-2] == f"  503 # {LINK} -> ../os/boot: Resource " \
            "temporarily unavailable"
        assert done.lines[-1] + "\n" == "  " + held
        done = ctl.run("once", CLIENT, "os/boot")
        assert done.status == ctl.FOUND and done.err.endswith(held)
        assert Cgi("/run/servers").ask(client=CLIENT).status == 503
    finally:
        holder.communicate()
    ctl.good("explain", CLIENT)


# What the responder sees

AS_RESPONDER = f"exec setpriv --reuid={USER} --regid={GROUP} --clear-groups "


@pytest.fixture
def apart(responder):
    """A function that starts one whose mounts are its own."""

    def start(*commands, **how):
        script = "; ".join(["set -e", *commands, AS_RESPONDER + '"$@"'])
        return responder(program=(
            "unshare", "-m", "sh", "-c", script, "sh", place.FCGI),
            user=0, group=0, **how)

    return start


def test_mounted_read_only_there(apart, tree):
    tree.make({LINK: Link("../os/boot"), "once/.lock": ""})
    once = tree.full("once")
    one = apart(f"mount --bind {once} {once}",
                f"mount -o remount,bind,ro {once}")
    done = ctl.run("once", OTHER, "os/boot")
    assert done.status == ctl.FOUND
    assert f"(user www-data, pid {one.pid}), so links are answered with 503: " \
        "Read-only file system; mount it writable" in done.err
    for how in ({}, place.AS_USER):
        said = explain(**how)
        assert said["status"] == 503
    got = ask(one)
    assert got.status == 503
    assert got.body.decode() == said["error"] + "\n"
    # alice may not look at that process, and sees nothing wrong.
    assert explain(**AS_ALICE)["status"] == 200
    # Of one that runs as somebody else nothing is known.
    assert explain("-u", str(ALICE))["forecast"].count("pid") == 0
    one.stop()
    assert explain()["status"] == 200


def elsewhere(path, pid):
    return f"{path}: the responder (pid {pid}) sees another directory there, " \
        "or none, so its answers are not those of this " + (
            "once/" if path == "once" else "tree")


@pytest.mark.parametrize("path, root", [
    ("once", place.ROOT), ("", place.ROOT), ("", place.ROOT + "//")])
def test_another_directory_there(apart, tree, path, root):
    tree.make({LINK: Link("../os/boot")})
    one = apart(f"mount -t tmpfs -o mode=777 tmpfs '{tree.full(path)}'",
                PXESRV_ROOT=root)
    told = elsewhere(path or place.ROOT, one.pid)
    done = ctl.run("explain", CLIENT)
    assert (done.status, done.err) == (ctl.FOUND, "")
    assert done.lines[-1].startswith("  but: " + told)
    done = ctl.run("once", CLIENT, "os/boot")
    assert done.status == ctl.FOUND and told in done.err
    assert told in ctl.run("check").out
    got = ask(one)
    assert got.body == (MENU.encode() if path else got.body)
    assert got.status == (200 if path else 404)
    # Where another one sees the tree, it is that one that answers.
    one.stop()
    ctl.good("explain", CLIENT)


def test_once_is_made_where_it_does_not_come(apart, tree):
    """A directory below a mount that is not shared."""
    os.rmdir(tree.full("once"))
    one = apart(f"cp -a {place.ROOT} /run/servers/was",
                f"mount --bind /run/servers/was {place.ROOT}")
    tree.make({LINK: Link("../os/boot")})
    assert elsewhere(place.ROOT, one.pid) in ctl.run("explain", CLIENT).out
    one.stop()
    shutil.rmtree("/run/servers/was")


def test_of_two_the_better_one_counts(apart, responder, tree):
    """One is there until its answers are sent, in a restart."""
    tree.make({LINK: Link("../os/boot")})
    once = tree.full("once")
    apart(f"mount -t tmpfs tmpfs {once}", path="/run/pxesrv/apart.sock")
    responder(path="/run/pxesrv/other.sock")
    ctl.good("explain", CLIENT)
    ctl.good("check")


def test_a_root_by_another_name(responder, tree):
    """Also by a link, which counts as that process sees it."""
    os.symlink(place.ROOT + "/", "/run/servers/link")
    try:
        one = responder(PXESRV_ROOT="/run/servers/link/.")
        tree.make({LINK: Link("../os/boot")})
        os.chown(tree.full("once"), 0, GROUP)
        os.chmod(tree.full("once"), 0o775)
        assert "belongs to root" not in ctl.run("check").out
        assert explain()["status"] == ask(one).status == 200
    finally:
        os.unlink("/run/servers/link")


def test_of_two_users_the_owner_of_once_counts(responder, tree):
    """Anybody can start a responder that names the tree."""
    tree.make({LINK: Link("../os/boot")})
    for number, user in enumerate([ALICE, USER, ALICE]):
        responder(path=f"/run/pxesrv/user{number}.sock", user=user,
                  group=user, PXESRV_LOG="-")
        if number > 0:
            ctl.good("explain", CLIENT)
            ctl.good("once", OTHER, "os/boot")
        else:
            assert f"(user {ALICE}, pid " in ctl.run("explain", CLIENT).out


def test_its_program_was_replaced(responder, tree):
    """By an upgrade, while it runs."""
    path = "/run/servers/pxesrv.fcgi"
    shutil.copy(place.FCGI, path)
    one = responder(program=(path,))
    os.unlink(path)
    tree.make({LINK: Link("../os/boot")})
    os.chown(tree.full("once"), 0, 0)
    assert f"(user www-data, pid {one.pid})" in ctl.run("explain", CLIENT).out


def test_there_is_no_once(responder, tree):
    os.rmdir(tree.full("once"))
    ctl.good("explain", CLIENT)
    responder()
    ctl.good("explain", CLIENT)
    ctl.good("check")
    tree.add("once", Directory())


def check_503(path, words):
    """explain says where, why and what to do; the program answers so."""
    done = ctl.run("explain", CLIENT)
    assert done.status == ctl.FOUND
    assert done.lines[-1].startswith(f"  {path}: ")
    assert done.lines[-1].endswith(f"503: {words}")
    assert Cgi("/run/servers").ask(client=CLIENT).status == 503


def test_what_is_mounted_in_once(tree):
    tree.make({LINK: Link("../os/boot"), "once/.claimed": Directory()})
    claimed = tree.full("once/.claimed")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "tmpfs", claimed],
                   check=True)
    try:
        check_503("once/.claimed", "Invalid cross-device link; unmount it")
    finally:
        subprocess.run(["umount", claimed], check=True)


def test_once_is_mounted_read_only(tree):
    """Nobody has mounted it for the responder alone, and chown would fail."""
    tree.make({LINK: Link("../os/boot")})
    once = tree.full("once")
    subprocess.run(["mount", "--bind", once, once], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", once], check=True)
        check_503("once", "Read-only file system; mount it writable")
    finally:
        subprocess.run(["umount", once], check=True)


def test_an_entry_that_the_caller_may_not_read(tree):
    """The machine is served all the same: it is not told as the answer."""
    tree.make({LINK: Link("../os/boot"), "static/" + OTHER: OS})
    os.chmod(tree.full("once"), 0o700)
    done = ctl.run("explain", CLIENT, user=ALICE, group=ALICE, extra_groups=[])
    assert done.status == ctl.FOUND
    assert done.lines[-1] == f"  {LINK}: user {ALICE} cannot read it, but the " \
        "responder may be able to; run this as root"
    assert ctl.good("explain", CLIENT)
    # What the responder's own user may not read is the answer.
    os.chmod(tree.full("once"), 0o755)
    os.chmod(tree.full(f"static/{OTHER}"), 0)
    for how in ({}, place.AS_USER):
        done = ctl.run("explain", OTHER, **how)
        assert done.status == ctl.FOUND
        assert done.lines[-1] == f"  403 # static/{OTHER}: Permission denied"
    done = ctl.run("check")
    assert "it must be a boot file that the responder's user can read" in done.out
    os.chmod(tree.full("default"), 0)
    done = ctl.run("check")
    assert "it must be a file that the responder's user can read" in done.out


# linux/fs.h
FS_IOC_SETFLAGS, IMMUTABLE = 0x40086602, 0x10


def flag_file(path, flags):
    """As chattr."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("l", flags))
    finally:
        os.close(fd)


def test_once_is_immutable(tree):
    """Its owner is the right one."""
    tree.make({LINK: Link("../os/boot"), "once/.claimed": Directory()})
    once = tree.full("once")
    os.chmod(once, 0o3770)
    try:
        flag_file(once, IMMUTABLE)
    except OSError:
        pytest.skip("the file system has no such attribute")
    try:
        done = ctl.run("explain", CLIENT)
        assert Cgi("/run/servers").ask(client=CLIENT).status == 503
    finally:
        flag_file(once, 0)
    assert done.status == ctl.FOUND
    assert done.lines[-1].startswith("  once: the responder can't use it")
    assert done.lines[-1].endswith("503: Operation not permitted; "
                                   "remove its immutable attribute: chattr -i")


@pytest.fixture
def other_root():
    path = "/run/servers/other\x1b\n"
    os.mkdir(path)
    yield path
    os.rmdir(path)


def test_a_responder_of_another_tree(responder, tree, other_root):
    one = responder(PXESRV_ROOT=other_root)
    tree.make({LINK: Link("../os/boot")})
    told = f"pxesrvctl: warning: the responder that runs here (pid {one.pid})" \
        r" serves /run/servers/other\x1B\x0A, not the tree /srv/pxesrv" + "\n"
    for command in (["explain", CLIENT], ["once", OTHER, "os/boot"], ["check"]):
        done = ctl.run(*command)
        assert (done.status, done.err) == (ctl.OK, told)
    ctl.good("explain", "-u", str(USER), CLIENT)
    ctl.good("explain", CLIENT, **AS_ALICE)
    # This one may serve any tree.
    responder(PXESRV_ROOT=None, path="/run/pxesrv/any.sock")
    ctl.good("explain", CLIENT)
    # And this one does.
    responder(path="/run/pxesrv/third.sock")
    ctl.good("explain", CLIENT)


def test_a_container(tree, tmp_path):
    """The same name is another tree there."""
    tree.make({LINK: Link("../os/boot")})
    script = f"mount -t tmpfs tmpfs {place.ROOT}; exec \"$@\""
    path = "/run/pxesrv/contained.sock"
    one = Program(
        ["unshare", "-mpf", "--kill-child", "sh", "-c", script, "sh",
         place.FCGI, "-s", path], str(tmp_path / "stderr"),
        env=place.clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG="-"))
    try:
        until(lambda: accepts(path), "its start")
        ctl.good("explain", CLIENT)
    finally:
        one.end(signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

# until/ and until/.done

DONE_MODES = [0o755, 0o775, 0o777, 0o555, 0o3770, 0o1777]


def set_up_done(tree, until, done, old):
    """until and done are owners and modes; done may be None, or be no
    directory. old owns the link that was done before, if any."""
    remove(tree.full("until"))
    os.mkdir(tree.full("until"))
    if isinstance(done, tuple):
        os.mkdir(tree.full("until/.done"))
        if old:
            os.symlink("x", tree.full(f"until/.done/{CLIENT}"))
            os.chown(tree.full(f"until/.done/{CLIENT}"), OWNERS[old], GROUP,
                     follow_symlinks=False)
    elif done:
        tree.add("until/.done", done)
    tree.add(f"until/{CLIENT}", Link("../os/boot"))
    for path, how in ("until/.done", done), ("until", until):
        if isinstance(how, tuple):
            os.chown(tree.full(path), OWNERS[how[0]], GROUP)
            os.chmod(tree.full(path), how[1])


def test_what_is_answered_to_done(tree):
    """check with the responder's user knows each 503, and calls nothing else
    one. What it doubts is sticky, and belongs to somebody else."""
    program = Cgi("/run/servers")
    ways = [*itertools.product(("responder", "root", "alice"), DONE_MODES)]
    cases = [
        *itertools.product([("responder", 0o755)], [*ways, None], OWNERS),
        *itertools.product(ways, [("responder", 0o755), None], [None]),
        *itertools.product([("responder", 0o755)],
                           ["a file", Link("../static")], [None])]
    seen = set()
    for until_, done, old in cases:
        set_up_done(tree, until_, done, old)
        said = [one for one in
                ctl.run("check", "--json", "-u", str(USER)).objects()
                if one["path"] in ("until", "until/.done")]
        got = program.ask("/done", client=CLIENT)
        what = (until_, done, old, got.status, said)
        assert len(said) < 2, what
        doubted = said and "sticky" in said[0]["problem"]
        seen.add((got.status, bool(said), bool(doubted)))
        if not doubted:
            assert (got.status == 503) == bool(said), what
        if said and not doubted:
            assert "so /done is answered with 503: " in said[0]["problem"], what
        if said and isinstance(done, tuple):
            assert "pxesrvctl chown " in said[0]["advice"], what
    assert seen == {(200, False, False), (200, True, True),
                    (503, True, False), (503, True, True)}


def test_chown_lets_the_responder_be_done(tree):
    """As check advises."""
    set_up_done(tree, ("responder", 0o3770), ("root", 0o755), None)
    done = ctl.run("check", "-u", str(USER))
    assert "until/.done: the responder can't use it (user " in done.out
    ctl.good("chown", str(USER))
    assert ctl.good("check", "-u", str(USER)).out == ""
    assert Cgi("/run/servers").ask("/done", client=CLIENT).status == 200
