# SPDX-License-Identifier: MIT
"""./pxesrv when root starts it: nothing that answers the network is root."""
import os
import shutil
import signal
import socket
import subprocess

import pytest

import place
from place import until
from standalone import Standalone, install

pytestmark = pytest.mark.skipif(not place.AS_ROOT, reason="needs root")
WEB = pytest.mark.parametrize("web", ["nginx", "lighttpd"])
CLIENT = "127.0.0.7"
NOBODY = 65534
NET_BIND_SERVICE = 1 << 10


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    where = tmp_path_factory.mktemp("installed")
    yield install(where)
    shutil.rmtree(where)


class Who:
    """What a process may do."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        self.users = {int(uid) for uid in fields["Uid"].split()}
        self.groups = {int(gid) for gid in fields["Gid"].split()}
        self.more_groups = fields["Groups"].split()
        self.rights = {int(fields[name], 16) for name in (
            "CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")}


def check_processes(one, user, rights=0):
    pids = one.all_children()
    assert len(pids) >= 2
    for pid in pids:
        who = Who(pid)
        assert who.users == {user} and 0 not in who.groups
        # Debian 13's lighttpd hands none on to programs that it would start.
        assert not who.more_groups
        assert rights in who.rights and who.rights <= {0, rights}


def fill(root, owner, of_once=None):
    """A tree of owner's, whose once/ may be somebody else's."""
    os.makedirs(f"{root}/os")
    os.makedirs(f"{root}/static")
    for name, content in (("default", "default"), ("os/boot", "os")):
        with open(f"{root}/{name}", "w") as file:
            file.write(content)
    for name in (".", "os", "static", "default", "os/boot"):
        os.chown(f"{root}/{name}", owner, owner)
    if of_once is not None:
        os.makedirs(f"{root}/once")
        os.chown(f"{root}/once", of_once, of_once)


def arm(root, target="../os/boot"):
    """As root does it while PXESrv runs."""
    os.symlink(target, f"{root}/once/{CLIENT}")


def check_serving(one, root):
    for text in ("../os/boot", f"{root}/os/boot"):
        arm(root, text)
        assert one.ask() == (200, b"os")
        until(lambda: os.path.lexists(f"{root}/once/.served/{CLIENT}"),
              "it is settled")
        assert one.ask() == (200, b"default")
        assert not os.path.lexists(f"{root}/once/{CLIENT}")
    assert one.ask("/os/boot") == (200, b"os")
    assert one.ask("/default") == (200, b"default")
    # What root can read, and nobody else.
    os.symlink("/etc/shadow", f"{root}/static/10.99.0.1")
    os.symlink("/etc/shadow", f"{root}/static/{CLIENT}")
    os.symlink("/etc/shadow", f"{root}/shadow")
    for path in ("/static/10.99.0.1", "/redirect", "/shadow"):
        status, body = one.ask(path)
        assert status in (403, 404) and body.startswith(b"# "), path


# The owner of the tree, that of once/, where it is, and who then serves.
# 4711 is no user that this machine knows.
OWNERS = {
    "of root alone": (0, 0, 0o755, NOBODY),
    "of root, without once/": (0, None, 0o755, NOBODY),
    "of root, where nobody else can look": (0, 0, 0o700, NOBODY),
    "of root, once/ of another": (0, 4711, 0o755, 4711),
    "of another": (4711, 4711, 0o755, 4711),
    "of another, without once/": (4711, None, 0o755, 4711),
    "of another, where nobody can look": (4711, 4711, 0o700, 4711),
}


def test_a_directory_that_somebody_elses_link_names_is_not_given_away(
        script, tmp_path):
    root = "/srv/harm"
    fill(root, 0)
    victim = tmp_path / "victim"
    victim.mkdir(0o755)
    try:
        os.symlink(victim, f"{root}/once")
        os.chown(f"{root}/once", 4711, 4711, follow_symlinks=False)
        one = Standalone(script, tmp_path, "-r", root)
        assert one.ask("/default") == (200, b"default")
        one.end()
        assert victim.stat().st_uid == 0 and not list(victim.iterdir())
    finally:
        shutil.rmtree(root)


@WEB
@pytest.mark.parametrize("whose", OWNERS)
def test_nothing_is_root(script, tmp_path, web, whose):
    owner, of_once, mode, user = OWNERS[whose]
    name = "tree" if web == "nginx" else 'a "tree" with $spaces; & |more'
    place_of_tree = f"/srv/{owner}"
    os.mkdir(place_of_tree)
    os.chmod(place_of_tree, mode)
    root = f"{place_of_tree}/x/{name}"
    try:
        fill(root, owner, of_once)
        for _ in range(2):  # and again, in what the first one left
            one = Standalone(script, tmp_path, "-r", root, "-w", web)
            check_processes(one, user)
            check_serving(one, root)
            assert one.end(signal.SIGINT) == 0
            assert "can't" not in one.messages()
            for entry in ("static/10.99.0.1", f"static/{CLIENT}", "shadow",
                          f"once/.served/{CLIENT}"):
                os.unlink(f"{root}/{entry}")
        assert os.stat(f"{root}/once").st_uid == user
        assert os.stat(root).st_uid == owner
    finally:
        shutil.rmtree(place_of_tree)


@pytest.mark.parametrize("harm", ["group", "link", "left"])
def test_what_others_can_write_to_is_not_given_away(
        script, tmp_path, harm):
    """They would decide what it is; and whoever starts it is told."""
    root = "/srv/harm"
    fill(root, 0, 0)
    victim = tmp_path / "victim"
    victim.write_text("")
    try:
        if harm == "group":
            os.chmod(f"{root}/once", 0o2775)
        elif harm == "link":
            os.symlink(victim, f"{root}/once/.lock")
        else:
            os.chown(f"{root}/once", 4711, 4711)
            os.mkdir(f"{root}/once/.served")
        one = Standalone(script, tmp_path, "-r", root)
        assert victim.stat().st_uid == 0
        said = one.messages()
        assert (f"{root}/once" in said and "change its owner" in said) or \
            harm == "link"
        assert one.ask("/default") == (200, b"default")
        one.end()
        assert os.stat(f"{root}/once").st_uid == {
            "group": 0, "link": NOBODY, "left": 4711}[harm]
    finally:
        shutil.rmtree(root)


@WEB
def test_a_port_that_only_root_may_take(script, tree, tmp_path, web):
    limit = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
    tree.make({"default": "default"})
    with open(limit) as file:
        before = file.read()
    with open(limit, "w") as file:
        file.write("1024")
    try:
        one = Standalone(script, tmp_path, "-r", place.ROOT, "-w", web,
                         port=port_below(1024))
        check_processes(one, place.OWNER[0], NET_BIND_SERVICE)
        assert one.ask() == (200, b"default")
        assert one.end() == 0
    finally:
        with open(limit, "w") as file:
            file.write(before)


def port_below(limit):
    for port in range(600, limit):
        with socket.socket() as s:
            try:
                s.bind(("", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")


def test_a_tree_that_may_not_be_read(script, tmp_path):
    root = "/srv/closed"
    fill(root, 0, 0)
    os.chmod(root, 0o700)
    try:
        done = subprocess.run(
            [script, "-r", root], env=place.clean_env(), text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
    finally:
        shutil.rmtree(root)
    assert done.returncode == 78 and "cannot read it" in done.stderr


def test_a_log_where_only_root_can_write(script, tree, tmp_path):
    """Each line is there, one of an odd client as well, when it has ended."""
    tree.make({"default": "default"})
    log = tmp_path / "log"
    one = Standalone(script, tmp_path, "-r", place.ROOT, PXESRV_LOG=str(log))
    for number in range(300):
        one.ask(f"/redirect?%5C{number}")
    assert one.end() == 0
    lines = [line for line in log.read_text().splitlines() if "GET" in line]
    assert len(lines) == 300
    assert all(f"/redirect?%5C{number} " in line
               for number, line in enumerate(lines))
    assert log.stat().st_mode & 0o777 == 0o640 and log.stat().st_uid == 0
