# SPDX-License-Identifier: MIT
"""From the Ruby server to the Debian package, by docs/howto/moving-over.md.

tests/packages/deb runs this on the machine of test_deb.py, after it, when
nothing of PXESrv is there. What the old server leaves behind is laid out as its
own text told: a checkout in /opt, its unit, a link to its tree, a log of root's.
In its place a few lines of Python hold the port.
"""
import os
import shutil
import subprocess

import pytest

pytest.register_assert_rewrite("machine_steps")
from machine_steps import (  # noqa: E402
    LOG, TREE, ask, boots_once, do, figure, owner, read, run, stop, until)

PAGE = "moving-over"
PORT = 4567
OLD = "/opt/pxesrv"
OLD_UNIT = "/etc/systemd/system/pxesrv.service"
ITS_BOOT = "debian/12/default"
FILES = {
    "default": "#!ipxe\n# the old default\n",
    ITS_BOOT: "#!ipxe\n# the old installer\n",
    "static/127.0.0.34": "#!ipxe\n# the old entry\n",
    "grub/12/grub.cfg-7F000023": "", "grub/12/grub.cfg-7F000024": "",
}
ARMED = {  # as people, and scripts, wrote them
    "127.0.0.31": f"{TREE}/{ITS_BOOT}",
    "127.0.0.32": f"{OLD}/public/{ITS_BOOT}",
    "127.0.0.33": f"../{ITS_BOOT}",
}
PROGRAM = """#!/usr/bin/python3
import http.server, os
os.chdir(os.environ["PXESRV_ROOT"])
http.server.test(http.server.SimpleHTTPRequestHandler, port=4567)
"""
UNIT = f"""[Service]
Environment=PXESRV_ROOT={TREE}
ExecStart={OLD}/pxesrv
Restart=always
[Install]
WantedBy=multi-user.target
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def old_server_runs():
    run("systemctl", "daemon-reload")
    run("systemctl", "enable", "--now", "pxesrv.service")
    assert run("curl", "-s", "--retry", "9", "--retry-connrefused",
               f"http://127.0.0.1:{PORT}/default") == FILES["default"]


@pytest.fixture(scope="module")
def old_tree():
    for name, text in FILES.items():
        write(f"{OLD}/public/{name}", text)
    os.mkdir(f"{OLD}/public/once")
    for client, target in ARMED.items():
        os.symlink(target, f"{OLD}/public/once/{client}")
    os.symlink(f"{OLD}/public", TREE)
    write(f"{OLD}/pxesrv", PROGRAM, 0o755)
    write(LOG, "a line of old\n")
    yield
    shutil.rmtree(OLD)
    os.unlink(TREE)


def is_the_new_one():
    assert run("systemctl", "show", "-P", "FragmentPath",
               "pxesrv.service").strip() in (
        "/lib/systemd/system/pxesrv.service",
        "/usr/lib/systemd/system/pxesrv.service")
    for unit in "pxesrv.socket", "pxesrv.service":
        assert run("systemctl", "is-active", unit) == "active\n"
        assert run("systemctl", "is-enabled", unit) == "enabled\n"
    assert run("systemctl", "show", "-P", "User",
               "pxesrv.service") == "pxesrv\n"


def test_from_a_checkout(old_tree):
    write(OLD_UNIT, UNIT)
    os.symlink(f"{OLD}/pxesrv", "/usr/sbin/pxesrv")
    old_server_runs()
    do(PAGE, "Stop the old server")
    do(PAGE, "Install the new one")
    do(PAGE, "Let it write where it must")
    assert "200 OK" in do(PAGE, "Put a web server before it")
    is_the_new_one()
    assert not os.path.lexists("/usr/sbin/pxesrv")
    assert owner(LOG) == "pxesrv:adm 640"
    assert read(f"{LOG}.ruby") == "a line of old\n"
    assert owner(f"{TREE}/once/.") == "pxesrv:pxesrv-admin 3770"


def test_what_was_armed_is_served_once():
    for client in ARMED:
        assert ask(PORT, client) == (200, FILES[ITS_BOOT])
        assert ask(PORT, client) == (200, FILES["default"])
        until(lambda: f"{client} " in read(LOG), "the log")
    figure(f"moving over: {len(ARMED)} links armed before, each served once")


def test_the_entries_are_served():
    assert ask(PORT, "127.0.0.34") == (200, FILES["static/127.0.0.34"])
    assert ask(PORT, "127.0.0.40") == (200, FILES["default"])


def test_grub_s_configuration_is_cleared():
    for _ in range(2):
        said = run("curl", "-sS", "--interface", "127.0.0.35",
                   f"http://127.0.0.1:{PORT}/grub/clear/12")
    assert said.strip() == "Missing grub/12/grub.cfg-7F000023"
    assert os.listdir(f"{TREE}/grub/12") == ["grub.cfg-7F000024"]


def test_it_is_looked_at():
    assert "127.0.0.33" in do(PAGE, "Check the tree")


def test_people_arm_on():
    boots_once(PORT, "127.0.0.36")


def test_nothing_else_was_touched(old_tree):
    assert os.readlink(TREE) == f"{OLD}/public"
    assert owner(f"{OLD}/public") == "root:root 755"
    for name, text in FILES.items():
        if not name.endswith("23"):
            assert read(f"{TREE}/{name}") == text


@pytest.mark.parametrize("server,section", [
    ("lighttpd", "lighttpd"), ("apache2", "Apache")])
def test_another_web_server_on_that_port(server, section):
    stop("nginx")
    do("install-debian", section)
    until(lambda: subprocess.run(
        ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{PORT}/default"]
        ).returncode == 0, server)
    boots_once(PORT, "127.0.0.37")
    stop(server)


def test_from_its_debian_package(old_tree, tmp_path):
    """Which this one replaces, under the same name."""
    run("apt-get", "purge", "-y", "pxesrv")
    assert read(f"{LOG}.ruby") == "a line of old\n"
    write(LOG, "a line of old\n")
    write(f"{tmp_path}/pxesrv{OLD_UNIT}", UNIT)
    write(f"{tmp_path}/pxesrv/usr/sbin/pxesrv", PROGRAM, 0o755)
    write(f"{tmp_path}/pxesrv/DEBIAN/conffiles", f"{OLD_UNIT}\n")
    write(f"{tmp_path}/pxesrv/DEBIAN/control",
          "Package: pxesrv\nVersion: 0.2-1\nArchitecture: all\n"
          "Maintainer: nobody <nobody@example.org>\nDescription: the old one\n")
    run("dpkg-deb", "--root-owner-group", "-b", f"{tmp_path}/pxesrv",
        "/results")
    run("apt-get", "install", "-y", "/results/pxesrv_0.2-1_all.deb")
    old_server_runs()
    # As the page says: only the log is in the way.
    run("mv", LOG, f"{LOG}.ruby")
    do(PAGE, "Install the new one")
    is_the_new_one()
    assert not os.path.lexists(OLD_UNIT)
    assert read(f"{OLD_UNIT}.dpkg-bak") == UNIT
    assert not os.path.lexists("/usr/sbin/pxesrv")
    do(PAGE, "Let it write where it must")
    assert "200 OK" in do(PAGE, "Put a web server before it")
    boots_once(PORT, "127.0.0.38")
    run("apt-get", "purge", "-y", "pxesrv")
    os.unlink(f"{LOG}.ruby")
