# SPDX-License-Identifier: MIT
"""The RPM on a machine that has nothing else of PXESrv.

tests/packages/rpm boots that machine, with systemd, and runs this on it as
root. The tests are the life of one installation: each goes on where the one
before it ended. What docs/howto/install-fedora.md tells to do is done as
it stands there. tests/packages/fedora stands in for Fedora's packages.
"""
import glob
import os
import pwd
import re
import shutil
import subprocess

import pytest

pytest.register_assert_rewrite("machine_steps")
from machine_steps import (  # noqa: E402
    BOOT, LOG, TREE, Load, as_alice, ask, boots_once, do, figure,
    main_pid, owner, read, run, stop, what_is_theirs)

FEDORA = "install-fedora"
SOCKET = "/run/pxesrv/fcgi.sock"
LOGROTATE = "/etc/logrotate.d/pxesrv"


def state(question, unit):
    """Of one that may well be off: the exit status says so, too."""
    return subprocess.run(["systemctl", question, unit], text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def users_of(unit):
    """Those whose processes it has, whichever version of cgroups holds them."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/cgroup"):
        try:
            if f"/{unit}.service\n" in read(path):
                owner_id = os.stat(os.path.dirname(path)).st_uid
                found.add(pwd.getpwuid(owner_id).pw_name)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended meanwhile
    return found


def refused_without_the_group():
    """Else it would show nothing that a server gets through."""
    done = subprocess.run(
        ["runuser", "-u", "www-data", "--", "/usr/bin/python3", "-c",
         f"import socket as s; s.socket(s.AF_UNIX).connect('{SOCKET}')"],
        stderr=subprocess.PIPE, text=True)
    return "PermissionError" in done.stderr


def serves(port, client, user, unit):
    assert owner(SOCKET) == f"root:{user} 660"
    assert users_of(unit) == {"root", user} if unit != "lighttpd" else {user}
    assert refused_without_the_group()
    assert ask(port, client) == (200, read(f"{TREE}/default"))
    boots_once(port, client)
    # And not again.
    assert ask(port, client) == (200, read(f"{TREE}/default"))


def test_it_is_installed():
    do(FEDORA, "Install the RPM")
    assert owner(TREE) == "root:root 755"
    assert owner(f"{TREE}/static") == "root:pxesrv-admin 2775"
    assert owner(f"{TREE}/once") == "pxesrv:pxesrv-admin 3770"
    assert owner(LOG) == "pxesrv:adm 640"
    assert "pxesrv-admin" in run("id", "-nG", "alice")
    assert read(f"{TREE}/{BOOT}").startswith("#!ipxe\n")
    assert run("rpm", "-V", "--nodeps", "pxesrv") == ""


def test_nothing_runs_that_nobody_asked_for():
    for unit in "pxesrv.socket", "pxesrv.service":
        assert state("is-enabled", unit) == "disabled"
        assert state("is-active", unit) == "inactive"


def test_nginx():
    assert "200 OK" in do(FEDORA, "nginx")
    for unit in "pxesrv.socket", "pxesrv.service", "nginx":
        assert state("is-enabled", unit) == "enabled"
        assert state("is-active", unit) == "active"
    serves(4567, "127.0.0.7", "nginx", "nginx")
    assert as_alice("pxesrvctl check") == ""


def test_the_responder_builds_its_own_sandbox_too():
    line = re.search("sandbox: .*", read(LOG)).group(0)
    assert "Landlock" in line and "seccomp" in line
    assert "not confined" not in line


def test_an_upgrade_under_load_loses_nothing():
    as_alice(f"pxesrvctl once 127.0.0.20 {BOOT}")
    with open(LOGROTATE, "a") as file:
        file.write("# edited\n")
    for path in glob.glob("/home/alice/packages/*.rpm"):
        os.unlink(path)
    for path in glob.glob("/results/newer/*.rpm"):
        shutil.copy(path, "/home/alice/packages/")
    before, pid = what_is_theirs(), main_pid()
    version = run("rpm", "-q", "pxesrv")
    with Load("upgrade of the RPM under load"):
        do("upgrade", "The RPM")
    assert "pxesrv-1.0.0-1." in version
    assert "pxesrv-1.0.0-1.1." in run("rpm", "-q", "pxesrv")
    assert main_pid() not in (0, pid)
    assert what_is_theirs() == before
    assert read(LOGROTATE).endswith("# edited\n")
    for unit in "pxesrv.socket", "pxesrv.service":
        assert state("is-enabled", unit) == "enabled"
        assert state("is-active", unit) == "active"
    assert ask(4567, "127.0.0.20") == (200, read(f"{TREE}/{BOOT}"))
    assert ask(4567, "127.0.0.20") == (200, read(f"{TREE}/default"))


def test_lighttpd():
    stop("nginx")
    for _ in range(2):  # once more does no harm
        assert "200 OK" in do(FEDORA, "lighttpd")
    serves(4567, "127.0.0.11", "lighttpd", "lighttpd")


def test_apache():
    stop("lighttpd")
    assert "200 OK" in do(FEDORA, "Apache")
    serves(4567, "127.0.0.12", "apache", "httpd")


def test_back_to_nginx():
    stop("httpd")
    do(FEDORA, "Back to nginx")
    serves(4567, "127.0.0.13", "nginx", "nginx")


def test_removed_it_leaves_the_tree_alone():
    as_alice(f"pxesrvctl once 127.0.0.20 {BOOT}")
    before, layout = what_is_theirs(), read("/etc/lighttpd/lighttpd.conf")
    do(FEDORA, "Remove")
    assert read("/etc/lighttpd/lighttpd.conf") == \
        layout.replace('include "conf.d/pxesrv.conf"\n', "") != layout
    assert what_is_theirs() == before
    assert os.readlink(f"{TREE}/once/127.0.0.20") == f"../{BOOT}"
    assert "not installed" in subprocess.run(
        ["rpm", "-q", "pxesrv"], text=True, stdout=subprocess.PIPE).stdout
    for unit in "pxesrv.socket", "pxesrv.service":
        assert run("systemctl", "show", "-P", "LoadState", unit) == \
            "not-found\n"
        assert state("is-active", unit) == "inactive"
    assert run("find", "/etc", "/usr", "/var", "/run", "-xdev", "-iname",
               "*pxesrv*") == ""
    # But for its user and its group, to whom files of the tree may belong.
    assert re.sub(r"/etc/(passwd|group|shadow|gshadow)-?\n", "", run(
        "grep", "-rli", "--exclude=tests.service", "pxesrv", "/etc")) == ""
    # The servers start without it, each on port 80.
    stop("nginx")
    for server in "nginx", "lighttpd", "httpd":
        run("systemctl", "start", server)
        assert run("curl", "-s", "--retry", "5", "--retry-connrefused",
                   "-o", "/dev/null", "-w", "%{http_code}",
                   "http://127.0.0.1/redirect") == "404"
        run("systemctl", "stop", server)
    figure("the RPM's life: installed, nginx, upgraded, lighttpd, Apache, "
           "nginx, removed")
