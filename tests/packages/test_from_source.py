# SPDX-License-Identifier: MIT
"""Installed by meson, and put behind each web server, by the commands of
docs/howto/.

tests/packages/deb boots the machine on which it has built the package, and runs
this on it. The tests are the life of one installation.
"""
import os
import shutil

import pytest

pytest.register_assert_rewrite("machine_steps")
from machine_steps import (  # noqa: E402
    BOOT, LOG, TREE, as_alice, ask, boots_once, do, documented, main_pid,
    owner, read, run, stop, until)

SOURCE_PAGE = "install-source"
FCGI = "/usr/libexec/pxesrv/pxesrv.fcgi"


def processes_of(program):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe") == program:
                found.append(int(pid))
        except FileNotFoundError:
            pass  # it has ended meanwhile
    return found


def add_to_group(name):
    run("usermod", "-aG", name, "alice")


def install(server):
    run("apt-get", "install", "-y", server)


def test_it_is_built_and_installed():
    do(SOURCE_PAGE, "Build and install")
    do(SOURCE_PAGE, "With systemd")
    add_to_group("pxesrv-admin")
    assert owner("/run/pxesrv/fcgi.sock") == "root:www-data 660"
    assert owner(f"{TREE}/once") == "pxesrv:pxesrv-admin 3770"
    assert run("systemctl", "is-active", "pxesrv.service") == "active\n"


def test_nginx():
    install("nginx")
    assert "200 OK" in do("nginx", "A server on port 4567")
    boots_once(4567, "127.0.0.7")


def test_an_upgrade():
    """Of the same version: built anew, and another process with a link armed."""
    as_alice(f"pxesrvctl once 127.0.0.13 {BOOT}")
    pid = main_pid()
    as_alice("touch boot/*.c")
    do("upgrade", "An installation from source")
    assert main_pid() not in (0, pid)
    assert ask(4567, "127.0.0.13") == (200, read(f"{TREE}/{BOOT}"))
    assert ask(4567, "127.0.0.13") == (200, read(f"{TREE}/default"))


def test_lighttpd():
    stop("nginx")
    install("lighttpd")
    do("lighttpd", "A server on port 4567")
    boots_once(4567, "127.0.0.8")
    stop("lighttpd")


def test_apache():
    install("apache2")
    do("apache", "A server on port 4567")
    boots_once(4567, "127.0.0.9")
    stop("apache2")


def test_another_user():
    do("install-debian", "Give the tree to the web server's user")


def test_lighttpd_starts_the_responder():
    run("lighty-disable-mod", "pxesrv")
    do("lighttpd", "Installed from source")
    boots_once(4567, "127.0.0.11")
    stop("lighttpd")
    run("rm", "-rf", "/etc/tmpfiles.d/pxesrv-lighttpd.conf", "/run/pxesrv")


def test_apache_without_a_responder():
    do("apache", "Installed from source")
    boots_once(4567, "127.0.0.12")
    assert processes_of(FCGI) == []
    stop("apache2")


def test_without_systemd():
    shutil.rmtree(TREE)
    os.unlink(LOG)
    as_alice(documented(SOURCE_PAGE, "Without systemd") + " </dev/null >/dev/null 2>&1 &")
    until(lambda: os.path.exists("/run/pxesrv/fcgi.sock"), "its socket")
    add_to_group("admins")
    run("systemctl", "start", "nginx")
    boots_once(4567, "127.0.0.10")
    until(lambda: "127.0.0.10 " in read(LOG), "its log")
    stop("nginx")
    for pid in processes_of(FCGI):
        os.kill(pid, 15)
    until(lambda: not processes_of(FCGI), "its end")
