# SPDX-License-Identifier: MIT
"""What those who may arm machines can do to each other, and what not.

once/ is as the packages make it: sticky, of the responder's user, and of the
group of the administrators.
"""
import contextlib
import errno
import os
import socket
import subprocess

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import meta_variables
from place import until
from tree import Directory

pytestmark = pytest.mark.skipif(
    not place.AS_ROOT, reason="only root can be several users")

CLIENT, OTHER = "127.0.0.7", "127.0.0.8"
LARGE = OS + "#" * (8 << 20)
ADMINS = 4300
ALICE, BOB, OUTSIDER = 4301, 4302, 4303
ELSEWHERE = "/run/servers/elsewhere"

USERS = {"owner": (place.OWNER[0], []), "alice": (ALICE, [ADMINS]),
         "bob": (BOB, [ADMINS]), "outsider": (OUTSIDER, []), "root": (0, [])}


def become(who):
    user, groups = USERS[who]
    return dict(user=user, group=user, extra_groups=groups)


def act(who, action):
    """Does it as that user. 0, or the errno that was in the way."""
    user, groups = USERS[who]
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os.umask(0)
            action()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ask(one, client=CLIENT, **params):
    variables = {**meta_variables("GET", "/redirect", client), **params}
    return answer.from_cgi(fastcgi.ask(one.path, variables))


@pytest.fixture
def tree(tree):
    tree.make({"default": MENU, "os/boot": OS, "os/evil": OS + "evil",
               "os/large": LARGE, "once": Directory()})
    os.chown(tree.full("once"), place.OWNER[0], ADMINS)
    os.chmod(tree.full("once"), 0o3770)
    yield tree
    until(lambda: not tree.claimed(), "no claim is left")
    os.chmod(tree.full("once"), 0o755)


def arm(who, client=CLIENT, target="os/boot"):
    ctl.good("once", client, target, **become(who))


@contextlib.contextmanager
def under_way(one, tree):
    """An answer that alice has armed the machine for."""
    arm("alice", target="os/large")
    with fastcgi.Connection(one.path) as peer:
        peer.send(fastcgi.request(meta_variables("GET", "/redirect", CLIENT)))
        peer._exactly(1000)
        [claim] = tree.claimed()
        yield claim
        while peer.socket.recv(1 << 16):
            continue


# Places and what is done to them, by system calls

def replace(path, beside=None):
    """Puts another link in its place, which is made beside it or elsewhere."""
    made = f"{beside or os.path.dirname(path)}/.made"
    os.symlink("../os/evil", made)
    try:
        os.rename(made, path)
    except OSError:
        os.unlink(made)
        raise


def replace_from_once(path):
    """The same where none can be made beside it."""
    replace(path, f"{place.ROOT}/once")


def remove(path):
    os.unlink(path)


def move_away(path):
    os.rename(path, f"{place.ROOT}/once/.moved")


def add(path):
    os.symlink("../os/evil", os.path.dirname(path) + "/10.9.9.9")


ACTIONS = [replace, replace_from_once, remove, move_away, add]
# Who may, of those whom the file system may refuse.
WANT = {
    ("once/CLIENT", replace): {"alice"},
    ("once/CLIENT", replace_from_once): {"alice"},
    ("once/CLIENT", remove): {"alice"},
    ("once/CLIENT", move_away): {"alice"},
    ("once/CLIENT", add): {"alice", "bob"},
    ("once/.cancelled/CLIENT", replace): {"alice"},
    ("once/.cancelled/CLIENT", replace_from_once): {"alice"},
    ("once/.cancelled/CLIENT", remove): {"alice"},
    ("once/.cancelled/CLIENT", move_away): {"alice"},
    ("once/.cancelled/CLIENT", add): {"alice", "bob"},
    **{(where, action): set() for action in ACTIONS
       for where in ("once/.claimed/CLIENT", "once/.served/CLIENT")},
    **{(where, action): set()
       for action in (replace, remove, move_away)
       for where in ("once/.lock", "once/.claimed", "once/.served",
                     "once/.cancelled")},
}


def bring_about(one, tree, where, stack):
    """Alice's link is at that place. Its path."""
    if where == "once/.claimed/CLIENT":
        return f"once/.claimed/{stack.enter_context(under_way(one, tree))}"
    arm("alice")
    if where == "once/.served/CLIENT":
        assert ask(one).body == OS.encode()
        until(lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")
    if where == "once/.cancelled/CLIENT":
        ctl.good("cancel", CLIENT, **become("alice"))
        return f"once/.cancelled/{CLIENT}.{ALICE}"
    return where.replace("CLIENT", CLIENT)


@pytest.mark.parametrize("who", ["alice", "bob", "outsider"])
@pytest.mark.parametrize("where, action", WANT, ids=lambda value: (
    value if isinstance(value, str) else value.__name__))
def test_who_may(responder, tree, where, action, who):
    one = responder(PXESRV_ONCE_GRACE="3600")
    with contextlib.ExitStack() as stack:
        path = bring_about(one, tree, where, stack)
        before = os.lstat(tree.full(path))
        got = act(who, lambda: action(tree.full(path)))
        if who in WANT[where, action]:
            assert got == 0, os.strerror(got)
        else:
            assert got in (errno.EPERM, errno.EACCES), os.strerror(got)
            after = os.lstat(tree.full(path))
            assert (after.st_ino, after.st_ctime_ns) == (
                before.st_ino, before.st_ctime_ns)
        if where == "once/.claimed/CLIENT":
            # Nor does it go to another one by the grace.
            assert ask(one).body == LARGE.encode()
    until(lambda: not tree.claimed(), "it is settled")


@pytest.mark.parametrize("command, may", [
    (["cancel", CLIENT], {"alice", "owner", "root"}),
    (["once", CLIENT, "os/evil"], {"alice", "owner", "root"}),
    (["once", OTHER, "os/evil"], {"alice", "bob", "owner", "root"}),
    (["list"], {"alice", "bob", "owner", "root"}),
    (["explain", CLIENT], {"alice", "bob", "owner", "root"})])
@pytest.mark.parametrize("who", USERS)
def test_commands(responder, tree, who, command, may):
    one = responder()
    arm("alice")
    done = ctl.run(*command, **become(who))
    assert (done.status == ctl.OK) == (who in may), done.err
    if command[0] == "cancel":
        want = MENU if who in may else OS
    else:
        want = OS + "evil" if who in may and command[:2] == [
            "once", CLIENT] else OS
    assert ask(one).body == want.encode()


@pytest.mark.parametrize("how", ["served", "cancelled"])
@pytest.mark.parametrize("who", USERS)
def test_rearm(responder, tree, who, how):
    """Nobody arms unawares what another one has chosen."""
    one = responder()
    arm("alice")
    if how == "served":
        assert ask(one).body == OS.encode()
        until(lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")
        may = {"alice", "owner", "root"}
    else:
        ctl.good("cancel", CLIENT, **become("alice"))
        may = {"alice"}
    done = ctl.run("rearm", CLIENT, **become(who))
    assert (done.status == ctl.OK) == (who in may), done.err
    assert ask(one).body == (OS if who in may else MENU).encode()
    if how == "served" and who == "bob":
        assert done.err.endswith(
            f"once/.served/{CLIENT}: armed by user {ALICE}; to arm it "
            f"yourself: pxesrvctl once {CLIENT} os/boot\n")


@pytest.mark.parametrize("who", ["alice", "owner", "root"])
@pytest.mark.parametrize("name", [f"{CLIENT}.{user}" for user in (
    BOB, ALICE, place.OWNER[0], 0)])
def test_rearm_of_what_another_one_has_put_there(responder, tree, who, name):
    one = responder()
    arm("alice")
    assert ask(one).body == OS.encode()
    until(lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")
    path = tree.full(f"once/.cancelled/{name}")
    assert act("bob", lambda: os.symlink("../os/evil", path)) == 0
    ctl.good("rearm", CLIENT, **become(who))
    assert ask(one).body == OS.encode()


def test_a_cancel_is_in_nobody_elses_way(responder, tree):
    responder()
    arm("alice")
    for name in (CLIENT, f"{CLIENT}.{BOB}"):
        path = tree.full(f"once/.cancelled/{name}")
        assert act("bob", lambda: os.symlink("../os/evil", path)) == 0
    ctl.good("cancel", CLIENT, **become("alice"))
    ctl.good("rearm", CLIENT, **become("alice"))
    assert tree.link(f"once/{CLIENT}") == "../os/boot"
    # The owner of once/ may cancel it, and then it is his.
    ctl.good("cancel", CLIENT)
    path = tree.full(f"once/.cancelled/{CLIENT}.{place.OWNER[0]}")
    assert os.lstat(path).st_uid == place.OWNER[0]
    ctl.good("rearm", CLIENT)
    assert tree.link(f"once/{CLIENT}") == "../os/boot"


@pytest.mark.parametrize("who", ["root", "owner", "alice"])
@pytest.mark.parametrize("thing", [
    os.mkdir, lambda path: os.symlink("../os/evil", path)])
def test_nobody_keeps_a_machine_armed(responder, tree, who, thing):
    """By what he puts where the cancelled link is to go."""
    responder()
    arm("alice")
    user = place.OWNER[0] if who == "root" else USERS[who][0]
    path = tree.full(f"once/.cancelled/{CLIENT}.{user}")
    assert act("bob", lambda: thing(path)) == 0
    done = ctl.run("cancel", CLIENT, **become(who))
    assert (done.status, tree.link(f"once/{CLIENT}")) == (0, None)
    assert "cancelled, but rearm" in done.err or os.path.islink(path)


# What lies where the responder's own is to be

PARTS = [".lock", ".claimed", ".served", ".cancelled"]


def make_directory(path):
    os.mkdir(path)
    os.symlink("../os/evil", f"{path}/{CLIENT}")


def make_file(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))


def make_locked_file(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0))


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)


def make_link(path):
    os.symlink(ELSEWHERE, path)


def make_dangling_link(path):
    os.symlink(ELSEWHERE + "/nothing", path)


THINGS = [make_directory, make_file, make_locked_file, make_fifo, make_socket,
          make_link, make_dangling_link]


@pytest.fixture
def elsewhere():
    """A directory of bob's, to which links are to be led."""
    os.mkdir(ELSEWHERE, 0o777)
    os.chmod(ELSEWHERE, 0o777)
    os.symlink("../os/evil", f"{ELSEWHERE}/{CLIENT}")
    yield
    assert os.listdir(ELSEWHERE) == [CLIENT]
    os.unlink(f"{ELSEWHERE}/{CLIENT}")
    os.rmdir(ELSEWHERE)


def notes():
    with open(place.LOG) as log:
        return [line for line in log
                if "does not belong to the responder; moved" in line]


def check_works(one, tree, part, before):
    """All goes on, what was there is kept, and the log says where."""
    arm("alice")
    got = [ask(one, PXESRV_ONCE_GRACE="3600").body for _ in range(2)]
    assert got == [OS.encode()] * 2
    until(lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")
    arm("alice")
    ctl.good("cancel", CLIENT, **become("alice"))
    assert ask(one).body == MENU.encode()
    for name in PARTS:
        st = os.lstat(tree.full(f"once/{name}"))
        assert st.st_uid == place.OWNER[0]
    aside = [name for name in os.listdir(tree.full("once"))
             if ".aside-" in name]
    assert len(aside) == 1 and aside[0].startswith(part + ".aside-")
    after = os.lstat(tree.full(f"once/{aside[0]}"))
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    [note] = until(notes, "the note")
    assert f"once/{part}: does not belong to the responder; moved to " \
        f"once/{aside[0]}" in note
    said = ctl.run("check")
    assert said.status == ctl.FOUND and f"once/{aside[0]}: " in said.out


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_before_the_start(responder, tree, elsewhere, part, thing):
    path = tree.full(f"once/{part}")
    assert act("bob", lambda: thing(path)) == 0
    before = os.lstat(path)
    for who in ("root", "alice"):
        said = ctl.run("check", **become(who))
        assert said.status == ctl.FOUND and f"once/{part}: " in said.out
    assert os.lstat(path).st_ino == before.st_ino
    check_works(responder(), tree, part, before)


def log():
    with open(place.LOG) as file:
        return file.read()


def is_confined():
    return not ("files are not confined" in log() or "sandbox: none" in log())


def take_away(tree, part):
    path = tree.full(f"once/{part}")
    if part == ".lock":
        os.unlink(path)
    else:
        tree.clear_directory(f"once/{part}")
        os.rmdir(path)


@pytest.mark.parametrize("part", PARTS[:3])
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_while_it_runs(responder, tree, elsewhere, part, thing):
    """Somebody cleans up, and bob is faster than the responder."""
    one = responder()
    take_away(tree, part)
    path = tree.full(f"once/{part}")
    assert act("bob", lambda: thing(path)) == 0
    before = os.lstat(path)
    if thing in (make_directory, make_fifo, make_socket) and \
            is_confined():
        # The sandbox lets it move links and files alone.
        arm("alice")
        got = ask(one)
        if part == ".served":
            assert got.body == OS.encode()
            for claim in tree.claimed():
                os.unlink(tree.full(f"once/.claimed/{claim}"))
        else:
            assert (got.status, got.headers["retry-after"]) == (503, "5")
        one.stop()
        one = responder()
    check_works(one, tree, part, before)


def test_the_cgi_program_too(tree, elsewhere):
    """It has no start, and nobody to tell but the web server."""
    arm("alice")
    for part in PARTS[:3]:
        path = tree.full(f"once/{part}")
        assert act("bob", lambda: make_link(path)) == 0
    env = place.clean_env(
        **meta_variables("GET", "/redirect", CLIENT), PXESRV_ROOT=place.ROOT,
        PXESRV_LOG=place.LOG)
    done = subprocess.run([place.CGI], env=env, capture_output=True,
                          check=True, **place.AS_USER)
    assert answer.from_cgi(done.stdout).body == OS.encode()
    assert tree.link(f"once/.served/{CLIENT}") == "../os/boot"
    assert done.stderr.decode().count("does not belong to the responder") == 3


@pytest.mark.parametrize("part", [".claimed", ".served"])
def test_nobody_is_refused_a_menu(tree, elsewhere, part):
    """By what lies there before the first claim, with a grace."""
    path = tree.full(f"once/{part}")
    assert act("bob", lambda: make_directory(path)) == 0
    env = place.clean_env(
        **meta_variables("GET", "/redirect", CLIENT), PXESRV_ROOT=place.ROOT,
        PXESRV_LOG=place.LOG, PXESRV_ONCE_GRACE="3600")
    done = subprocess.run([place.CGI], env=env, capture_output=True,
                          check=True, **place.AS_USER)
    assert answer.from_cgi(done.stdout).body == MENU.encode()
    # What waits for claims to be settled must not wait for his.
    if os.path.exists(path):
        tree.clear_directory(f"once/{part}")


@pytest.mark.parametrize("part, want", [
    (".lock", MENU), (".claimed", MENU), (".served", OS)])
@pytest.mark.parametrize("once", [0o2775, 0o3777],
                         ids=["not sticky", "root's"])
def test_where_it_may_not_move_it(responder, tree, elsewhere, part, want, once):
    """No link is followed then either, and the checks say so."""
    one = responder()
    arm("alice")
    take_away(tree, part)
    assert act("bob", lambda: make_link(tree.full(f"once/{part}"))) == 0
    os.chmod(tree.full("once"), once)
    if once == 0o3777:
        os.chown(tree.full("once"), 0, ADMINS)
    got = ask(one)
    refused = part != ".served" or once == 0o3777
    assert got.status == (503 if refused else 200)
    if part == ".served" and not refused:
        [claim] = tree.claimed()
        until(lambda: f"the link stays at once/.claimed/{claim})" in log(),
              "the line that tells")
        os.unlink(tree.full(f"once/.claimed/{claim}"))
        # By a grace there is nothing to be had from elsewhere.
        assert ask(one, PXESRV_ONCE_GRACE="3600").status in (404, 503)
    else:
        assert tree.link(f"once/{CLIENT}") == "../os/boot"
    assert notes() == []
    said = ctl.run("check", "-u", str(place.OWNER[0]))
    assert said.status == ctl.FOUND and "once" in said.out
    env = place.clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG=place.LOG)
    said = subprocess.run([place.FCGI, "-t"], env=env, capture_output=True,
                          text=True, **place.AS_USER)
    assert said.returncode == 78 and "/once" in said.stderr
    os.unlink(tree.full(f"once/{part}"))


@pytest.mark.parametrize("mode", [0o770, 0o2770, 0o775, 0o777])
def test_directories_from_before(responder, tree, mode):
    for part in (".claimed", ".served"):
        tree.add(f"once/{part}", Directory())
        os.chown(tree.full(f"once/{part}"), place.OWNER[0], ADMINS)
        os.chmod(tree.full(f"once/{part}"), mode)
    said = ctl.run("check")
    for part in (".claimed", ".served"):
        assert f"once/{part}: users other than the responder" in said.out
    responder()
    for part in (".claimed", ".served"):
        st = os.stat(tree.full(f"once/{part}"))
        assert st.st_mode & 0o777 == 0o750
    ctl.good("check")
    with open(place.LOG) as log:
        assert "once/.served: set to mode 0750" in log.read()
